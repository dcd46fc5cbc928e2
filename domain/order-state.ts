import type { Decision } from './decisions';
import type { Outcome, RejectionCode } from './messages/acknowledgement';
import type { Policy } from './policy';
import type { DispatchedBy, EscalationReason, OrderStatus } from './status';

/** The order row as workflows see it: no personal data, times as ISO 8601. */
export interface OrderState {
  orderId: string;
  status: OrderStatus;
  /** `n` of the current request ID `<orderId>.<n>`. */
  requestNumber: number;
  /** How many times the order was handed to the publisher. */
  attempts: number;
  /** When the order must have been dispatched. */
  dispatchBy: string;
  courierId?: string;
  dispatchedBy?: DispatchedBy;
  /** Who sent the courier, where a person did. */
  courierSentBy?: string;
  rejectionCode?: RejectionCode;
  escalationReason?: EscalationReason;
  escalatedAt?: string;
  decision?: Decision;
  decidedBy?: string;
  decidedAt?: string;
  /** When its personal data was blanked: from then on nothing of it changes. */
  erasedAt?: string;
}

/** What the ledger makes of an acknowledgement. Only a `first` one is applied. */
export type AcknowledgementClass =
  'unknownOrder' | 'unknownRequest' | 'duplicate' | 'conflicting' | 'late' | 'first';

/** An applied acknowledgement, as the ledger has it. */
export interface Answer {
  requestId: string;
  outcome: Outcome;
  courierId?: string;
  rejectionCode?: RejectionCode;
  retryAfterMs?: number;
  /** When the ledger got it: a `retryAfterMs` counts from then. */
  receivedAt: string;
}

/** Whether an answer is applied: the first to its request, or that one again. */
export function isApplied({ class: ackClass }: { class: AcknowledgementClass }): boolean {
  return ackClass === 'first' || ackClass === 'duplicate';
}

/** What an activity that touches the order returns: the row, and what has been answered. */
export interface OrderProgress {
  order: OrderState;
  policy: Policy;
  /** The applied answer to the current request. */
  answer?: Answer;
  /** The applied answer to the withdrawal. */
  withdrawalAnswer?: Answer;
  /** The hold that is in force: no request goes out until its release. */
  holdId?: number;
}

/**
 * Whether an order's current request is to go out: it is still to be answered, and nothing holds it.
 */
export function isToBeSent(progress: OrderProgress): boolean {
  return isUnanswered(progress) && progress.holdId === undefined;
}

/**
 * Whether an order's current request is still to be answered. An acceptance that left the order
 * waiting was applied to a row that is lost: asked again, the dispatch system says it again.
 */
function isUnanswered({ order, answer }: Pick<OrderProgress, 'order' | 'answer'>): boolean {
  return order.status === 'placed' && answer?.outcome !== 'rejected';
}
