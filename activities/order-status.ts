import {
  applyResolution,
  cancelRejected,
  escalate,
  escalateWithdrawal,
  retryWithdrawal,
  settleWithdrawal,
  startCancellation,
  startNextRequest,
} from '../database/orders/orders';
import type { OrderState } from '../domain/order-state';
import type { CancelRequest, Resolution } from '../domain/resolution';
import type { EscalationReason } from '../domain/status';
import type { ActivityDependencies } from './dependencies';

/**
 * One activity per change of an order's status: each a compare-and-set that returns the row as it
 * is, so that the workflow goes on from there whoever made the change. Times are ISO 8601, taken from
 * the workflow, so that a repeat writes the same.
 */
export function createStatusActivities({ database }: Pick<ActivityDependencies, 'database'>) {
  return {
    /** Opens the human task of an order that the retries or a rejection left without a courier. */
    escalate: (input: {
      orderId: string;
      requestNumber: number;
      escalationReason: EscalationReason;
      rejectionCode?: string;
      at: string;
    }): Promise<OrderState> => escalate(database, { ...input, at: new Date(input.at) }),

    /** Goes on to the next request ID. */
    startNextRequest: (input: { orderId: string; requestNumber: number }): Promise<OrderState> =>
      startNextRequest(database, input),

    /** Cancels a rejected order. */
    cancelRejected: (input: {
      orderId: string;
      requestNumber: number;
      rejectionCode: string;
    }): Promise<OrderState> => cancelRejected(database, input),

    /** Moves the order into `cancelling`. */
    startCancellation: (input: {
      orderId: string;
      request: CancelRequest;
      at: string;
    }): Promise<OrderState> => startCancellation(database, { ...input, at: new Date(input.at) }),

    /** Carries out a person's decision about an escalated order. */
    applyResolution: (input: {
      orderId: string;
      resolution: Resolution;
      at: string;
      dispatchBy: string;
    }): Promise<OrderState> =>
      applyResolution(database, {
        ...input,
        at: new Date(input.at),
        dispatchBy: new Date(input.dispatchBy),
      }),

    /** Opens the human task of a withdrawal that nobody answers. */
    escalateWithdrawal: (input: { orderId: string; at: string }): Promise<OrderState> =>
      escalateWithdrawal(database, { ...input, at: new Date(input.at) }),

    /** Carries out the `retry` of such a withdrawal. */
    retryWithdrawal: (input: {
      orderId: string;
      resolution: Resolution;
      at: string;
    }): Promise<OrderState> => retryWithdrawal(database, { ...input, at: new Date(input.at) }),

    /** Ends a cancellation by what the dispatch system answered. */
    settleWithdrawal: (input: { orderId: string }): Promise<OrderState> =>
      settleWithdrawal(database, input),
  };
}
