import type { DispatchedBy, OrderStatus } from './status';

/** The order database's word on an order; absent where it has no such row. */
export interface OrderFacts {
  status: OrderStatus;
  dispatchedBy?: DispatchedBy;
  courierId?: string;
  contentHash: string;
}

/** The dispatch database's word: the live dispatch, else the last one, which was withdrawn. */
export type DispatchFacts =
  | { status: 'none' }
  | { status: 'live'; courierId: string; requestId: string }
  | { status: 'withdrawn' };

/** Temporal's word on the workflows that own the order: `dispatchOrder` and `cancelOrder`. */
export type WorkflowFacts = 'running' | 'ended' | 'none';

/** A copy of the order as a request carried it. */
export interface CopyFacts {
  /** As carried: a parsed copy is never hashed again. */
  contentHash: string;
  /** Whether this service published the request, by its `appId`. */
  isOurs: boolean;
}

/** Why somebody looks: a request's copy, an answer that could not be applied, a sweep, or a person. */
export type TriggerKind = 'request' | 'late' | 'conflicting' | 'sweep' | 'person';

/** What the two databases and Temporal say of one order, and why that is looked at. */
export interface Facts {
  order?: OrderFacts;
  dispatch: DispatchFacts;
  workflow: WorkflowFacts;
  trigger: TriggerKind;
  copy?: CopyFacts;
}

/**
 * What is to be done about what the facts say:
 * - `consistent`: nothing
 * - `restart`: start `dispatchOrder` again; it follows the row, or makes it from the copy
 * - `finishCancellation`: the same for an order that is `cancelling`
 * - `withdraw`: take the dispatch back that should not be
 * - `askPerson`: no rule may decide this
 */
export type Verdict = 'consistent' | 'restart' | 'finishCancellation' | 'withdraw' | 'askPerson';

interface Rule {
  name: string;
  when: (facts: Facts) => boolean;
  verdict: Verdict;
}

/**
 * The table: the first rule that fits decides. No rule looks at time: whoever looks waits first, and
 * looks twice before anything is done. A repair never writes a final status itself.
 */
export const VERDICT_RULES: readonly Rule[] = [
  {
    name: 'a running workflow owns its order',
    when: ({ workflow }) => workflow === 'running',
    verdict: 'consistent',
  },
  {
    name: 'the contents differ',
    when: ({ order, copy }) =>
      order !== undefined && copy !== undefined && order.contentHash !== copy.contentHash,
    verdict: 'askPerson',
  },
  {
    name: 'two answers contradict each other',
    when: ({ trigger }) => trigger === 'conflicting',
    verdict: 'askPerson',
  },
  {
    name: 'the order is missing, and a request of ours has a copy',
    when: ({ order, copy }) => order === undefined && copy?.isOurs === true,
    verdict: 'restart',
  },
  {
    name: 'the order is missing, and only a stranger asked for its dispatch',
    when: ({ order, copy }) => order === undefined && copy !== undefined,
    verdict: 'askPerson',
  },
  {
    name: 'nobody knows the order, and no courier is on the way',
    when: ({ order, dispatch }) => order === undefined && dispatch.status !== 'live',
    verdict: 'consistent',
  },
  {
    name: 'nobody knows the order, but a courier is on the way',
    when: ({ order }) => order === undefined,
    verdict: 'askPerson',
  },
  {
    name: 'the order waits, and its workflow is gone',
    when: ({ order }) => order?.status === 'placed' || order?.status === 'escalated',
    verdict: 'restart',
  },
  {
    name: 'the order is being cancelled, and its workflow is gone',
    when: ({ order }) => order?.status === 'cancelling',
    verdict: 'finishCancellation',
  },
  {
    name: 'the order is cancelled, but a courier is on the way',
    when: ({ order, dispatch }) => order?.status === 'cancelled' && dispatch.status === 'live',
    verdict: 'withdraw',
  },
  {
    name: 'the order is cancelled',
    when: ({ order }) => order?.status === 'cancelled',
    verdict: 'consistent',
  },
  {
    name: 'a person sent a courier, but another is on the way',
    when: ({ order, dispatch }) => order?.dispatchedBy === 'person' && dispatch.status === 'live',
    verdict: 'withdraw',
  },
  {
    name: 'a person sent a courier',
    when: ({ order }) => order?.dispatchedBy === 'person',
    verdict: 'consistent',
  },
  {
    name: 'the courier of the acknowledgement is on the way',
    when: ({ order, dispatch }) =>
      dispatch.status === 'live' && order?.courierId === dispatch.courierId,
    verdict: 'consistent',
  },
  {
    name: 'the order is dispatched, but its courier is not on the way',
    when: () => true,
    verdict: 'askPerson',
  },
];

/** What is to be done about these facts, and the rule that says so. Pure and total. */
export function decideVerdict(facts: Facts): { verdict: Verdict; rule: string } {
  const rule = VERDICT_RULES.find(({ when }) => when(facts));
  if (!rule) throw new Error('the last rule fits everything');
  return { verdict: rule.verdict, rule: rule.name };
}

/**
 * Whether the facts are what a person decided to keep: the same rows, and a copy that says nothing
 * that the person did not see. A copy like the order's row says nothing new; one of an order that is
 * lost does, if it is ours or has other content. What is kept is not brought up again.
 */
export function isAsKept(kept: Facts, facts: Facts): boolean {
  return rowsOf(kept) === rowsOf(facts) && !saysAnythingNew(facts, kept);
}

function saysAnythingNew({ order, copy }: Facts, kept: Facts): boolean {
  if (!copy || copy.contentHash === order?.contentHash) return false;
  return copy.contentHash !== kept.copy?.contentHash || copy.isOurs !== kept.copy.isOurs;
}

function rowsOf({ order, dispatch }: Facts): string {
  const courierId = dispatch.status === 'live' ? dispatch.courierId : undefined;
  return JSON.stringify([
    order?.status,
    order?.dispatchedBy,
    order?.courierId,
    order?.contentHash,
    dispatch.status,
    courierId,
  ]);
}
