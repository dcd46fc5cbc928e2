import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  log,
  patched,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { defined } from '../domain/defined';
import { FINDING_DECISIONS, type Decision } from '../domain/decisions';
import type { Answer } from '../domain/order-state';
import type { OrderStatusView } from '../domain/workflow-contract';
import type { Outcome } from '../domain/messages/acknowledgement';
import { DEFAULT_POLICY, type Policy } from '../domain/policy';
import type { Finding, RepairAction } from '../domain/reconciliation';
import type { ReconcileOrderInput, ReconcileResult } from '../domain/workflow-contract';
import { withdrawalIdOf } from '../domain/request-id';
import type { Resolution } from '../domain/resolution';
import { readAcknowledged, readFound, readRequestDeadLettered } from '../domain/signals';
import { QUERIES, SIGNALS } from '../domain/temporal-names';
import { decideVerdict, isAsKept, type Facts, type Verdict } from '../domain/verdict';
import {
  closeFindingTask,
  findDispatch,
  findOrderSideFacts,
  openFindingTask,
  recordReconciliation,
  recordRepair,
  requestActivities,
  restartDispatch,
} from './activities';
import { awaitAnswer, finalFailureOf } from './await-answer';
import { describeFindingTask } from './describe-task';
import { handleOurSignal, handleResolutions } from './handlers';
import { humanTaskView, openTask, type HumanTask, type TaskOwner } from './human-task';

/** How long a finding may settle by itself before it is looked at again, in ms. */
const SETTLE_MS = 2_000;

/** The last pause before it is left to the sweep, in ms: some 17 minutes after the first look. */
const LONGEST_PAUSE_MS = 512_000;

/** Findings whose only look is in their history end after it. */
const WAITS_FOR_OWNER = 'reconcile-waits-for-owner';

/** Findings of before have no row of their human task, and no audit. */
const RECORDS_PEOPLE = 'records-people';

/** Findings that may wait in one run; with their copies, they must fit into the start of the next. */
const FINDINGS_KEPT = 20;

const statusQuery = defineQuery<Pick<OrderStatusView, 'orderId' | 'humanTask'>>(QUERIES.status);

/**
 * Settles what the two databases and Temporal disagree about, for one order: waits a moment, looks
 * again, and carries out the verdict of the table in `domain/verdict.ts`. What a rule must not decide,
 * or could not mend, a person does. What was done is recorded as a repair. A finding that comes while
 * another is being settled is taken next; the last one's result is the workflow's.
 */
export async function reconcileOrder(input: ReconcileOrderInput): Promise<ReconcileResult> {
  const { orderId } = input;
  const { more = [], ...first } = input;
  const findings = [first, ...more].map((each) => new OpenFinding(each));
  let current = findings[0];
  // The signal that starts a run brings its first finding again.
  let isFirstLook = true;
  // A new run begins with the finding at work, then takes those that wait. Those that are done end here.
  const goOn = (): Promise<never> => {
    const rest = findings.slice(current ? findings.indexOf(current) : 0);
    const [now = first, ...later] = rest.map(({ input: found, taskOpenedAt }) => ({
      ...found,
      ...defined({ taskOpenedAt }),
    }));
    return continueAsNew<typeof reconcileOrder>({ ...now, more: later });
  };
  const readFinding = (sent: unknown) => readFound(sent, orderId);
  handleOurSignal(SIGNALS.found, readFinding, (found) => {
    const waiting = findings.slice(current ? findings.indexOf(current) + 1 : 0);
    const isKnown =
      waiting.some(({ input: known }) => isSameFinding(known, found)) ||
      (isFirstLook && isSameFinding(first, found));
    if (isKnown) return;
    if (waiting.length < FINDINGS_KEPT) findings.push(new OpenFinding(found));
    else
      log.warn('too many findings wait: this one is dropped', {
        orderId,
        trigger: found.trigger,
        provenance: found.provenance,
      });
  });
  handleOurSignal(SIGNALS.acknowledged, readAcknowledged, ({ answer }) => {
    if (current && answer.requestId === withdrawalIdOf(orderId)) current.withdrawal = answer;
  });
  handleOurSignal(SIGNALS.requestDeadLettered, readRequestDeadLettered, () => {
    if (current) current.isDeadLettered = true;
  });
  const owner: TaskOwner = {
    get humanTask() {
      return current?.humanTask;
    },
    whyNoTask: () => current?.whyNoTask() ?? '',
  };
  handleResolutions(owner, () => current?.resolution);
  setHandler(statusQuery, () => ({ orderId, ...humanTaskView(owner) }));
  return CancellationScope.nonCancellable(async () => {
    let result: ReconcileResult | undefined;
    for (let next = 0; next < findings.length || !result; next += 1) {
      current = findings[next] ?? new OpenFinding(first);
      await sleep(SETTLE_MS);
      isFirstLook = false;
      result = await putRight(current, goOn);
      await condition(allHandlersFinished);
    }
    return result;
  });
}

function isSameFinding(one: Finding, other: Finding): boolean {
  return one.trigger === other.trigger && one.provenance === other.provenance;
}

async function putRight(
  finding: OpenFinding,
  goOn: () => Promise<never>,
): Promise<ReconcileResult> {
  const { orderId, provenance, trigger, via } = finding.input;
  if (trigger === 'person' && patched(RECORDS_PEOPLE)) {
    const actor = provenance.replace(/^person /, '');
    await recordReconciliation({ orderId, actor, ...defined({ via }) });
  }
  const before = await lookUpWhenOwnerEnded(finding);
  const { verdict, rule } = decideVerdict(before);
  let done: RepairAction = 'nothing';
  if (verdict !== 'consistent' && !finding.isKept) {
    done = verdict === 'askPerson' ? 'nothing' : await carryOut(finding, verdict);
    const after = await lookUp(finding);
    // Nothing was done, or it did not help: from here on a person decides.
    const isSettled = done === 'restarted' || decideVerdict(after).verdict === 'consistent';
    if (!isSettled) done = await askPerson({ finding, rule, facts: after, goOn });
  }
  // Opened in the run before, and needless now.
  if (finding.taskOpenedAt) await closeFindingTask({ openedAt: finding.taskOpenedAt });
  const { resolution } = finding;
  if (done !== 'nothing') {
    await recordRepair({
      orderId,
      found: rule,
      done,
      before,
      after: await lookUp(finding),
      provenance,
      ...(resolution && { actor: resolution.actor, note: resolution.note }),
    });
  }
  return { orderId, verdict, rule, done, resolvedBy: resolution?.actor ?? null };
}

/**
 * Looks at both databases and at Temporal. An answer that came late or conflicts is nobody's but ours:
 * while the order's own workflow runs it is looked at again, for its end is what makes it a finding.
 */
async function lookUpWhenOwnerEnded(finding: OpenFinding): Promise<Facts> {
  const { trigger } = finding.input;
  let facts = await lookUp(finding);
  for (
    let pauseMs = SETTLE_MS;
    pauseMs <= LONGEST_PAUSE_MS &&
    facts.workflow === 'running' &&
    (trigger === 'late' || trigger === 'conflicting') &&
    patched(WAITS_FOR_OWNER);
    pauseMs *= 2
  ) {
    await sleep(pauseMs);
    facts = await lookUp(finding);
  }
  return facts;
}

/** Looks at both databases and at Temporal. */
async function lookUp(finding: OpenFinding): Promise<Facts> {
  const { orderId, trigger, copy } = finding.input;
  const [{ kept, policy, ...orderSide }, dispatch] = await Promise.all([
    findOrderSideFacts({ orderId }),
    findDispatch({ orderId }),
  ]);
  const facts: Facts = {
    ...orderSide,
    dispatch,
    trigger,
    ...(copy && { copy: { contentHash: copy.contentHash, isOurs: copy.isOurs } }),
  };
  if (policy) finding.policy = policy;
  finding.isKept = kept !== undefined && isAsKept(kept, facts);
  return facts;
}

async function carryOut(
  finding: OpenFinding,
  verdict: Exclude<Verdict, 'consistent' | 'askPerson'>,
): Promise<RepairAction> {
  const { orderId, copy } = finding.input;
  if (verdict === 'withdraw') return withdrawDispatch(finding);
  try {
    await restartDispatch({ orderId, ...(copy && { copy }) });
    return 'restarted';
  } catch (error) {
    // There is nothing to start it from: no row, and no copy that is a valid order.
    if (!finalFailureOf(error)) throw error;
    return 'nothing';
  }
}

/** Takes the dispatch back, whatever an earlier withdrawal was answered. */
async function withdrawDispatch(finding: OpenFinding): Promise<RepairAction> {
  const { orderId } = finding.input;
  finding.withdrawal = undefined;
  finding.isDeadLettered = false;
  const { policy } = finding;
  const deadline = new Date(Date.now() + policy.dispatchWithinMs);
  const { failure } = await awaitAnswer({
    request: (interrupted) =>
      requestActivities(policy, deadline, interrupted).requestWithdrawal({
        orderId,
        again: true,
        interrupted,
      }),
    isOver: () => finding.withdrawal !== undefined || finding.isDeadLettered,
  });
  if (failure || outcomeOf(finding) === undefined) return 'nothing';
  return outcomeOf(finding) === 'withdrawn' ? 'withdrawn' : 'withdrawalRefused';
}

/** What the withdrawal was answered: read afresh, since it changes while the code waits. */
function outcomeOf({ withdrawal }: OpenFinding): Outcome | undefined {
  return withdrawal?.outcome;
}

async function askPerson(given: {
  finding: OpenFinding;
  rule: string;
  facts: Facts;
  goOn: () => Promise<never>;
}): Promise<RepairAction> {
  const { finding, goOn } = given;
  const { orderId } = finding.input;
  // In an object, since it changes while the code waits.
  const outcome: { done: RepairAction } = { done: 'nothing' };
  let { rule, facts } = given;
  for (;;) {
    const openedAt = finding.taskOpenedAt ?? new Date().toISOString();
    const isListed = patched(RECORDS_PEOPLE);
    if (isListed) {
      finding.taskOpenedAt = openedAt;
      await openFindingTask({ orderId, openedAt, ...dueTimes(openedAt, finding.policy) });
    }
    await openTask(finding, {
      escalationReason: 'discrepancy',
      escalatedAt: openedAt,
      status: facts.order?.status,
      decisions: decisionsAbout(facts, finding.input),
      describe: (task) =>
        describeFindingTask(orderId, task, { rule, facts, failed: finding.failed }),
      isClosed: () => false,
      resolve: async (resolution) => {
        finding.resolution = resolution;
        outcome.done = await carryOutDecision(finding, resolution);
        const { decision, actor } = resolution;
        finding.failed =
          outcome.done === 'nothing'
            ? `${decision} (${actor}) could not be carried out: ${WHY_NOT[decision] ?? ''}`
            : undefined;
        if (isListed) await closeFindingTask({ openedAt, resolution });
        finding.taskOpenedAt = undefined;
        return finding.failed === undefined;
      },
      continueAsNew: goOn,
    });
    // A restarted workflow owns its order, and what is kept is decided.
    if (outcome.done === 'restarted' || outcome.done === 'kept') return outcome.done;
    const after = decideVerdict((facts = { ...(await lookUp(finding)), trigger: 'person' }));
    if (after.verdict === 'consistent') return outcome.done;
    // It did not help: the person hears of it by the task that opens again.
    rule = after.rule;
  }
}

/** When the task of a finding is due, by the policy of its order. */
function dueTimes(openedAt: string, { taskDueMs, taskOverdueMs }: Policy) {
  const after = (ms: number) => new Date(Date.parse(openedAt) + ms).toISOString();
  return { dueAt: after(taskDueMs), overdueAt: after(taskOverdueMs) };
}

/** A new start needs a row that asks for something or, where there is none, a copy to make it from. */
function decisionsAbout({ order }: Facts, { copy }: Finding): readonly Decision[] {
  const canRestart = order ? order.status !== 'dispatched' && order.status !== 'cancelled' : copy;
  return FINDING_DECISIONS.filter((decision) => decision !== 'restart' || canRestart);
}

/** Why a decision can come to nothing. */
const WHY_NOT: Partial<Record<Decision, string>> = {
  withdraw: 'the dispatch system did not answer',
  restart: 'there is neither a row nor a copy that is a valid order',
};

async function carryOutDecision(
  finding: OpenFinding,
  resolution: Resolution,
): Promise<RepairAction> {
  switch (resolution.decision) {
    case 'withdraw':
      return carryOut(finding, 'withdraw');
    case 'restart':
      return carryOut(finding, 'restart');
    default:
      return 'kept';
  }
}

/** What the workflow knows of its finding. */
class OpenFinding implements TaskOwner {
  humanTask: HumanTask | undefined;
  resolution: Resolution | undefined;
  /** The newest answer to its withdrawal. */
  withdrawal: Answer | undefined;
  /** Whether the dispatch system gave up on it. */
  isDeadLettered = false;
  /** The order's; the default one where there is no row. */
  policy = DEFAULT_POLICY;
  /** Why the last resolution changed nothing. */
  failed: string | undefined;
  /** Whether a person has decided to leave just this as it is. */
  isKept = false;

  /** Of its human task while that is open and listed, ISO 8601. */
  taskOpenedAt: string | undefined;

  constructor(readonly input: Finding) {
    this.taskOpenedAt = input.taskOpenedAt;
  }

  whyNoTask = (): string =>
    this.failed ??
    (this.resolution
      ? `no human task is open: ${this.resolution.actor} decided ${this.resolution.decision} about the finding`
      : 'no human task is open: the finding is being looked at');
}
