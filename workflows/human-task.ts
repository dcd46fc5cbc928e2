import {
  allHandlersFinished,
  condition,
  patched,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Decision } from '../domain/decisions';
import { ResolutionRefused } from '../domain/errors';
import type { OrderStatusView } from '../domain/workflow-contract';
import { parseResolution, parseResolutionAsBefore, type Resolution } from '../domain/resolution';
import type { EscalationReason, OrderStatus } from '../domain/status';
import { listTask, unlistTask } from './search-attributes';

/** Refused signals that the current details show. */
const REFUSALS_KEPT = 20;

/** A human task that is open. */
export interface HumanTask {
  readonly escalationReason: EscalationReason;
  /** ISO 8601. */
  readonly escalatedAt: string;
  readonly decisions: readonly Decision[];
  /** Signals that changed nothing, and why: a signal has no other way to tell its sender. */
  readonly refusals: string[];
  /** Says in plain words what happened and what one can do. */
  readonly describe: () => string;
  /** The first valid resolution; every later one is refused. */
  accepted?: Resolution;
  /** When, ISO 8601. */
  acceptedAt?: string;
  /** Whether that resolution was carried out, once it is known. */
  won?: boolean;
}

/** A workflow that can have a human task. */
export interface TaskOwner {
  readonly humanTask: HumanTask | undefined;
  /** Why a resolution changes nothing while no task is open. */
  whyNoTask: () => string;
}

/** What a human task is about, and what closes it. */
export interface TaskOptions {
  escalationReason: EscalationReason;
  escalatedAt: string;
  /** The order's status, for lists. */
  status: OrderStatus | undefined;
  decisions: readonly Decision[];
  describe: (task: HumanTask) => string;
  /** Whether the task is closed by something else than a resolution. */
  isClosed: () => boolean;
  /** Something that the description shows; when it changes, the description is made anew. */
  shows?: () => unknown;
  /** Carries a resolution out; false where something else was quicker. */
  resolve: (resolution: Resolution, at: Date) => Promise<boolean>;
  /** Goes on in a new run, when the history is full and nobody waits. */
  continueAsNew: () => Promise<never>;
}

/** Opens a human task, and waits until a person resolves it or something else closes it. */
export async function openTask(
  owner: { humanTask: HumanTask | undefined },
  options: TaskOptions,
): Promise<void> {
  const { escalationReason, escalatedAt, status, decisions, isClosed, shows } = options;
  const task: HumanTask = {
    escalationReason,
    escalatedAt,
    decisions,
    refusals: [],
    describe: () => options.describe(task),
  };
  owner.humanTask = task;
  listTask({ status, escalationReason, escalatedAt: new Date(escalatedAt) });
  const isFull = () => workflowInfo().continueAsNewSuggested && allHandlersFinished();
  while (!isClosed() && !task.accepted) {
    const shown = shows?.();
    setCurrentDetails(task.describe());
    await condition(
      () => isClosed() || task.accepted !== undefined || shows?.() !== shown || isFull(),
    );
    if (!isClosed() && !task.accepted && isFull()) await options.continueAsNew();
  }
  try {
    if (task.accepted) task.won = !isClosed() && (await options.resolve(task.accepted, new Date()));
  } finally {
    // Also where it could not be carried out: whoever sent it must hear of it.
    if (task.accepted) task.won ??= false;
    owner.humanTask = undefined;
    unlistTask();
    setCurrentDetails('');
  }
}

/** The open human task, for whoever asks by query. */
export function humanTaskView({ humanTask }: TaskOwner): Pick<OrderStatusView, 'humanTask'> {
  if (!humanTask) return {};
  const { escalationReason, escalatedAt, decisions } = humanTask;
  return { humanTask: { escalationReason, escalatedAt, decisions } };
}

/**
 * Checks a resolution against the open human task.
 *
 * @throws {@link ResolutionRefused} that says why it changes nothing.
 */
export function checkResolution(
  { humanTask, whyNoTask }: TaskOwner,
  input: unknown,
  parse = parseResolution,
): Resolution {
  const resolution = parse(input);
  if (!humanTask) throw new ResolutionRefused(whyNoTask());
  if (humanTask.accepted) {
    throw new ResolutionRefused(
      `the human task is already resolved by ${humanTask.accepted.actor} at ${humanTask.acceptedAt}: ${humanTask.accepted.decision}`,
    );
  }
  const { openedAt } = resolution;
  if (openedAt !== undefined && Date.parse(openedAt) !== Date.parse(humanTask.escalatedAt)) {
    throw new ResolutionRefused(
      `another human task is open by now, since ${humanTask.escalatedAt}: look at it first`,
    );
  }
  if (!humanTask.decisions.includes(resolution.decision)) {
    throw new ResolutionRefused(
      `${resolution.decision} is not possible here, only ${humanTask.decisions.join(', ')}`,
    );
  }
  return resolution;
}

/** What people send is looked at closer since then. */
const STRICTER_WORDS = 'stricter-words-of-people';

/** Parses what was sent, or what a history accepted by the rules of before. */
export function parseAsAccepted<Output>(
  input: unknown,
  parse: (input: unknown) => Output,
  parseAsBefore: (input: unknown) => Output,
): Output {
  try {
    return parse(input);
  } catch (error) {
    const before = parseAsBefore(input);
    if (patched(STRICTER_WORDS)) throw error;
    return before;
  }
}

/**
 * Takes the first valid resolution of the open human task.
 *
 * @returns the task, whose `won` then says whether it was carried out.
 * @throws {@link ResolutionRefused} that says why it changes nothing.
 */
export function acceptResolution(owner: TaskOwner, input: unknown): HumanTask {
  const resolution = checkResolution(owner, input, (sent) =>
    parseAsAccepted(sent, parseResolution, parseResolutionAsBefore),
  );
  const { humanTask } = owner;
  if (!humanTask) throw new ResolutionRefused(owner.whyNoTask());
  humanTask.accepted = resolution;
  humanTask.acceptedAt = new Date().toISOString();
  return humanTask;
}

/** Keeps why a signal was refused where a person can see it. */
export function showRefusal({ humanTask }: TaskOwner, error: ResolutionRefused): void {
  if (!humanTask) return;
  humanTask.refusals.push(`${new Date().toISOString()}: ${error.message}`);
  humanTask.refusals.splice(0, humanTask.refusals.length - REFUSALS_KEPT);
  setCurrentDetails(humanTask.describe());
}
