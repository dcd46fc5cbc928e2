import { ORDER_DECISIONS, type Decision } from '../domain/decisions';
import type { OrderState } from '../domain/order-state';
import { withdrawalIdOf } from '../domain/request-id';
import type { Resolution } from '../domain/resolution';
import { applyResolution, cancelRejected, retryWithdrawal } from './activities';
import { describeOrderTask } from './describe-task';
import { openTask } from './human-task';
import type { OrderView } from './order-view';

/** The human task of an `escalated` order. An acceptance, or a cancellation, closes it by itself. */
export async function orderTask(view: OrderView): Promise<void> {
  const { orderId, requestNumber } = view.order;
  await openOrderTask(view, {
    decisions: ORDER_DECISIONS,
    isClosed: () =>
      view.order.status !== 'escalated' ||
      view.cancelRequest !== undefined ||
      finalRejection(view) !== undefined,
    resolve: async (resolution, at) => {
      const dispatchBy = new Date(at.getTime() + view.policy.dispatchWithinMs).toISOString();
      const order = await applyResolution({
        orderId,
        resolution,
        at: at.toISOString(),
        dispatchBy,
      });
      view.firstRequestNumber = order.requestNumber;
      return order;
    },
  });
  const rejectionCode = finalRejection(view);
  if (view.order.status === 'escalated' && !view.cancelRequest && rejectionCode) {
    view.takeResult(await cancelRejected({ orderId, requestNumber, rejectionCode }));
  }
}

/** The human task of a withdrawal that nobody answered. A late answer closes it by itself. */
export async function withdrawalTask(view: OrderView): Promise<void> {
  const { orderId } = view.order;
  await openOrderTask(view, {
    decisions: ['retry'],
    isClosed: () => view.withdrawalAnswer !== undefined,
    resolve: (resolution, at) => {
      // What was given up on before the retry says nothing of it.
      view.deadLetters.delete(withdrawalIdOf(orderId));
      return retryWithdrawal({ orderId, resolution, at: at.toISOString() });
    },
  });
}

function openOrderTask(
  view: OrderView,
  given: {
    decisions: readonly Decision[];
    isClosed: () => boolean;
    resolve: (resolution: Resolution, at: Date) => Promise<OrderState>;
  },
): Promise<void> {
  const { order } = view;
  return openTask(view, {
    escalationReason: order.escalationReason ?? 'noAcknowledgement',
    escalatedAt: order.escalatedAt ?? new Date().toISOString(),
    status: order.status,
    decisions: given.decisions,
    describe: (task) => describeOrderTask(order, task, view.answer),
    isClosed: given.isClosed,
    shows: () => view.answer,
    resolve: async (resolution, at) => {
      const after = await given.resolve(resolution, at);
      view.takeResult(after);
      return after.decidedAt === at.toISOString() && after.decidedBy === resolution.actor;
    },
    continueAsNew: view.continueAsNew,
  });
}

/** The code of a rejection that, while the order is escalated, cancels it. */
function finalRejection({ answer, policy }: OrderView): string | undefined {
  if (answer?.outcome !== 'rejected' || policy.onRejection !== 'cancel') return undefined;
  if (answer.retryAfterMs !== undefined || answer.rejectionCode === 'expired') return undefined;
  return answer.rejectionCode;
}
