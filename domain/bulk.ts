import { DECISIONS, type Decision } from './decisions';
import type { Via } from './act';
import type { EscalationReason } from './status';

/** What can be decided about many human tasks at once: `markDispatched` needs a courier for each order. */
export type BulkDecision = Exclude<Decision, 'markDispatched'>;

/** All that can be decided about many human tasks at once. */
export const BULK_DECISIONS: readonly BulkDecision[] = DECISIONS.filter(
  (decision) => decision !== 'markDispatched',
);

/** How many tasks must have been resolved before the rest follows at its rate. */
export const BULK_CANARY = 3;

/**
 * `running`; `done`: every task was looked at; `canaryFailed`: one of the first failed, and no other was
 * touched; `aborted`: by a person.
 */
export type BulkState = 'running' | 'done' | 'canaryFailed' | 'aborted';

/**
 * `pending`; `resolved`: by this run; `refused`: somebody or something else was quicker, which is no
 * failure; `failed`; `skipped`: the run ended before it was its turn.
 */
export type BulkRowState = 'pending' | 'resolved' | 'refused' | 'failed' | 'skipped';

/** How many tasks of a run are in each state. */
export type BulkCounts = Readonly<Record<BulkRowState, number>>;

/** One decision about many human tasks. */
export interface BulkRun {
  /** Counting up. */
  id: number;
  actor: string;
  via: Via;
  note: string;
  decision: BulkDecision;
  /** Which tasks were asked for. */
  filter: unknown;
  /** Tasks per second, at most. */
  ratePerSecond: number;
  state: BulkState;
  createdAt: Date;
  /** Null while it runs. */
  endedAt: Date | null;
  abortedBy: string | null;
  abortNote: string | null;
}

/** A task of the set that was frozen when the run began. */
export interface BulkRow {
  /** From 1, in the order in which they are resolved. */
  n: number;
  taskId: string;
  openedAt: Date;
  orderId: string | null;
  escalationReason: EscalationReason;
  state: BulkRowState;
  /** What came of it, in words for people; null where it was resolved, or still waits. */
  outcome: string | null;
  endedAt: Date | null;
}

/** The one argument of `resolveTasks`. */
export interface ResolveTasksInput {
  bulkId: number;
}

/** What `resolveTasks` returns; the rows have the rest. */
export interface ResolveTasksResult {
  state: BulkState;
}

/** The ID of the update that resolves a task of a run: sent again, it resolves nothing twice. */
export function bulkUpdateId(bulkId: number, n: number): string {
  return `${bulkId}/${n}`;
}
