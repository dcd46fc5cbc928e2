import type { OrderState } from './order-state';
import type { OrderStatusView } from './workflow-contract';

/** Where an order stands by its row, for people; its human task is its workflow's to add. */
export function statusViewOf(order: OrderState): OrderStatusView {
  const { orderId, status, dispatchedBy, courierId, rejectionCode, attempts, decidedBy } = order;
  return {
    orderId,
    status,
    ...(status === 'dispatched' && dispatchedBy && { dispatchedBy }),
    ...(status === 'dispatched' && courierId && { courierId }),
    ...(status !== 'dispatched' && rejectionCode && { rejectionCode }),
    attempts,
    resolvedBy: decidedBy ?? null,
  };
}
