import type { Decision } from './decisions';
import type { Outcome, RejectionCode } from './messages/acknowledgement';
import type { Order } from './order';
import type { Policy, PolicyOverrides } from './policy';
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
export const ACKNOWLEDGEMENT_CLASSES = [
  'unknownOrder',
  'unknownRequest',
  'duplicate',
  'conflicting',
  'late',
  'first',
] as const;

/** What the ledger makes of an acknowledgement. */
export type AcknowledgementClass = (typeof ACKNOWLEDGEMENT_CLASSES)[number];

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

/** What the acknowledgement consumer tells: the argument of the signal `acknowledged`. */
export interface AcknowledgedSignal {
  class: AcknowledgementClass;
  answer: Answer;
  /** The order row after the answer was recorded; absent for an unknown order. */
  order?: OrderState;
}

/** Whether an answer is applied: the first to its request, or that one again. */
export function isApplied({ class: ackClass }: Pick<AcknowledgedSignal, 'class'>): boolean {
  return ackClass === 'first' || ackClass === 'duplicate';
}

/** Told when the dispatch system gave up on a request or withdrawal. */
export interface RequestDeadLettered {
  requestId: string;
}

/** What an activity that touches the order returns: the row, and what has been answered. */
export interface OrderProgress {
  order: OrderState;
  policy: Policy;
  /** The applied answer to the current request. */
  answer?: Answer;
  /** The applied answer to the withdrawal. */
  withdrawalAnswer?: Answer;
}

/**
 * Whether an order's current request is still to be answered. An acceptance that left the order
 * waiting was applied to a row that is lost: asked again, the dispatch system says it again.
 */
export function isUnanswered({ order, answer }: Pick<OrderProgress, 'order' | 'answer'>): boolean {
  return order.status === 'placed' && answer?.outcome !== 'rejected';
}

/** The one argument of `dispatchOrder`; from the Web UI, `{"order": {...}}`. */
export interface DispatchOrderInput {
  order: Order;
  /** Overrides of the worker's default policy. */
  policy?: PolicyOverrides;
  /** `n` of the request to begin with, where the order's row was lost and comes back from a copy. */
  requestNumber?: number;
}

/** What became of an order: the result of its workflow. */
export interface OrderResult {
  orderId: string;
  status: Extract<OrderStatus, 'dispatched' | 'cancelled'>;
  dispatchedBy?: DispatchedBy;
  courierId?: string;
  rejectionCode?: RejectionCode;
  /** How many times the order was handed to the publisher. */
  attempts: number;
  /** The person (or `temporal`) that decided, or null where nobody had to. */
  resolvedBy: string | null;
}

/** Where an order stands now: the answer of the query `status`. */
export interface OrderStatusView extends Omit<OrderResult, 'status'> {
  status: OrderStatus;
  /** What the order's open human task takes, if one is open. */
  humanTask?: {
    escalationReason: EscalationReason;
    /** ISO 8601. */
    escalatedAt: string;
    decisions: readonly Decision[];
  };
}
