import type { AcknowledgementClass, Answer, OrderState } from './order-state';
import type { Order } from './order';
import type { PolicyOverrides } from './policy';
import type { Finding, RepairAction } from './reconciliation';
import type { Decision } from './decisions';
import type { CancelRequest } from './resolution';
import type { RejectionCode } from './messages/acknowledgement';
import type { DispatchedBy, EscalationReason, OrderStatus } from './status';
import type { Verdict } from './verdict';

/*
 * What the workflows take and give: inputs, signals, answers of queries, results. Histories hold all
 * of it, so a field may be added if it may be absent, and none may change its meaning. Their names
 * are in temporal-names.ts; the argument of `resolve` and of `cancel` is in resolution.ts.
 */

/** The one argument of `dispatchOrder`; from the Web UI, `{"order": {...}}`. */
export interface DispatchOrderInput {
  order: Order;
  /** Overrides of the worker's default policy. */
  policy?: PolicyOverrides;
  /** `n` of the request to begin with, where the order's row was lost and comes back from a copy. */
  requestNumber?: number;
  /** `n` of the request from which rejections are counted, where a run goes on in a new one. */
  firstRequestNumber?: number;
}

/** The one argument of `cancelOrder`. */
export interface CancelOrderInput {
  orderId: string;
  request: CancelRequest;
}

/** The one argument of `readOrder`. */
export interface ReadOrderInput {
  orderId: string;
}

/** The one argument of `reconcileOrder`. */
export interface ReconcileOrderInput extends Finding {
  /** Findings that wait, where a run goes on in a new one. */
  more?: Finding[];
}

/** What the acknowledgement consumer tells: the argument of the signal `acknowledged`. */
export interface AcknowledgedSignal {
  class: AcknowledgementClass;
  answer: Answer;
  /** The order row after the answer was recorded; absent for an unknown order. */
  order?: OrderState;
}

/** Told when the dispatch system gave up on a request or withdrawal. */
export interface RequestDeadLettered {
  requestId: string;
}

interface OrderProgressView {
  orderId: string;
  /** How many times the order was handed to the publisher. */
  attempts: number;
  /** The person (or `temporal`) that decided, or null where nobody had to. */
  resolvedBy: string | null;
}

/** What became of an order: the result of its workflow. */
export type OrderResult = OrderProgressView &
  (
    | {
        status: 'dispatched';
        dispatchedBy: DispatchedBy;
        courierId: string;
        rejectionCode?: never;
      }
    | {
        status: 'cancelled';
        /** Where the dispatch system rejected it. */
        rejectionCode?: RejectionCode;
        dispatchedBy?: never;
        courierId?: never;
      }
  );

/** Where an order stands now: the answer of the query `status`. */
export interface OrderStatusView extends OrderProgressView {
  status: OrderStatus;
  /** Of a dispatched order. */
  dispatchedBy?: DispatchedBy;
  courierId?: string;
  /** Of any other, where the dispatch system rejected it. */
  rejectionCode?: RejectionCode;
  /** Whether a person keeps all requests at home just now. */
  isHeld?: true;
  /** What the order's open human task takes, if one is open. */
  humanTask?: {
    escalationReason: EscalationReason;
    /** ISO 8601. */
    escalatedAt: string;
    decisions: readonly Decision[];
  };
}

/** What `reconcileOrder` did about an order: its result, and the repair that it recorded. */
export interface ReconcileResult {
  orderId: string;
  /** The last verdict that was carried out; `consistent` where there was nothing to do. */
  verdict: Verdict;
  /** The rule of the verdict table that said so. */
  rule: string;
  /** What was done, in a word. */
  done: RepairAction;
  resolvedBy: string | null;
}
