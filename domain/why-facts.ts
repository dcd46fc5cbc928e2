import type { RequestDetails } from './interruption';
import type { Answer, OrderState } from './order-state';
import type { Policy } from './policy';
import type { EscalationReason } from './status';
import type { OrderStatusView } from './workflow-contract';

/** An order's row as far as it says why the order stands where it does; times are ISO 8601. */
export type WhyOrder = OrderState & { policy: Policy; createdAt: string; updatedAt: string };

/** An attempt of a request or a withdrawal, as Temporal has it; times are ISO 8601. */
export interface PendingAttempt extends Partial<Pick<RequestDetails, 'confirmedAt' | 'waitsFor'>> {
  kind: 'request' | 'withdrawal';
  /** Which one, from 1, and of how many. */
  number: number;
  of: number;
  /** When this attempt began; absent where it did not begin yet. */
  startedAt?: string;
  /** When it may begin, where it did not begin yet: in the future after a pause, else since then. */
  scheduledAt?: string;
  /** When no further attempt is made, whatever came of it. */
  endsAt?: string;
  /** What the attempt before failed with; nothing of it is personal. */
  lastFailure?: string;
}

/** The workflow that owns an order, as far as Temporal says. */
export interface OwnerFacts {
  /** `gone`: Temporal has none (any more); `notKnown`: it was not asked, or did not answer. */
  state: 'running' | 'ended' | 'gone' | 'notKnown';
  /** How it ended, in Temporal's word, such as `TERMINATED`. */
  endedAs?: string;
  attempt?: PendingAttempt;
  /** Since when its first task, the quick path, is with a worker, ISO 8601. */
  quickPathSince?: string;
  /** Since when a task of it waits for a worker, ISO 8601. */
  withoutWorkerSince?: string;
}

/** An open human task; times are ISO 8601. */
export interface WhyTask {
  taskId: string;
  escalationReason: EscalationReason;
  openedAt: string;
  dueAt?: string;
  overdueAt?: string;
  claimedBy?: string;
  claimedUntil?: string;
  snoozedUntil?: string;
}

/** All that is known of an order when somebody asks why it stands where it does. */
export interface WhyFacts {
  orderId: string;
  /** ISO 8601. */
  now: string;
  /** The row; null where there is none, absent where it was not read. */
  order?: WhyOrder | null;
  /** What its workflow says, where no row was read. */
  view?: OrderStatusView;
  owner: OwnerFacts;
  /** The applied answer to the current request. */
  answer?: Answer;
  /** Since when the order's human task is closed that an answer closed last, ISO 8601. */
  closedByAnswerAt?: string;
  /** The hold that keeps its request at home; `heldAt` is when this order was held, ISO 8601. */
  hold?: { heldAt: string; heldBy: string; note: string; isReleased: boolean };
  tasks: readonly WhyTask[];
  openDeadLetters: number;
  /** The queue that the dispatch system reads. */
  requestsQueue?: { messages: number; consumers: number };
  /** What could not be looked at, and why. */
  notKnown: readonly string[];
}
