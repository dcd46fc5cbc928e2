import { patched } from '@temporalio/workflow';
import { CALL_OFF_DECISIONS, ORDER_DECISIONS, type Decision } from '../domain/decisions';
import { withdrawalIdOf } from '../domain/request-id';
import type { Resolution } from '../domain/resolution';
import { applyResolution, cancelRejected, retryWithdrawal } from './activities';
import { describeOrderTask } from './describe-task';
import { openTask } from './human-task';
import type { OrderView } from './order-view';

/** Orders whose task was opened before this is in their history wait for the answer. */
const CANCEL_CLOSES_WITHDRAWAL_TASK = 'cancel-closes-withdrawal-task';

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
      const isDone = await decide(view, resolution, at);
      view.firstRequestNumber = view.order.requestNumber;
      return isDone;
    },
  });
  const rejectionCode = finalRejection(view);
  if (view.order.status === 'escalated' && !view.cancelRequest && rejectionCode) {
    view.takeResult(await cancelRejected({ orderId, requestNumber, rejectionCode }));
  }
}

/** The human task of a withdrawal that nobody answered. A late answer closes it by itself. */
export async function withdrawalTask(view: OrderView): Promise<void> {
  const { orderId, status } = view.order;
  // A courier whom a person sent can be called off meanwhile.
  const closesOnCancel = status === 'dispatched' && patched(CANCEL_CLOSES_WITHDRAWAL_TASK);
  await openOrderTask(view, {
    decisions: ['retry'],
    isClosed: () =>
      view.withdrawalAnswer !== undefined || (closesOnCancel && view.cancelRequest !== undefined),
    resolve: async (resolution, at) => {
      // What was given up on before the retry says nothing of it.
      view.deadLetters.delete(withdrawalIdOf(orderId));
      view.takeResult(await retryWithdrawal({ orderId, resolution, at: at.toISOString() }));
      return view.order.escalationReason === undefined;
    },
  });
}

/** The human task of a courier whom a person sent, and whose order is being cancelled. */
export async function callOffTask(view: OrderView): Promise<void> {
  await openOrderTask(view, {
    decisions: CALL_OFF_DECISIONS,
    isClosed: () => view.order.status !== 'cancelling',
    resolve: (resolution, at) => decide(view, resolution, at),
  });
}

/** Carries a decision out in the row. @returns whether it won: the row has its actor and its time. */
async function decide(view: OrderView, resolution: Resolution, decidedAt: Date): Promise<boolean> {
  const { orderId } = view.order;
  const dispatchBy = new Date(decidedAt.getTime() + view.policy.dispatchWithinMs).toISOString();
  const at = decidedAt.toISOString();
  view.takeResult(await applyResolution({ orderId, resolution, at, dispatchBy }));
  return view.order.decidedAt === at && view.order.decidedBy === resolution.actor;
}

function openOrderTask(
  view: OrderView,
  given: {
    decisions: readonly Decision[];
    isClosed: () => boolean;
    /** Carries a resolution out; false where something else was quicker. */
    resolve: (resolution: Resolution, at: Date) => Promise<boolean>;
  },
): Promise<void> {
  const { order } = view;
  return openTask(view, {
    escalationReason: order.escalationReason ?? 'noAcknowledgement',
    escalatedAt: order.escalatedAt ?? new Date().toISOString(),
    status: order.status,
    decisions: given.decisions,
    describe: (task) => describeOrderTask(order, task, view),
    isClosed: given.isClosed,
    shows: () => view.answer,
    resolve: given.resolve,
    continueAsNew: view.continueAsNew,
  });
}

/** The code of a rejection that, while the order is escalated, cancels it. */
function finalRejection({ answer, policy }: OrderView): string | undefined {
  if (answer?.outcome !== 'rejected' || policy.onRejection !== 'cancel') return undefined;
  if (answer.retryAfterMs !== undefined || answer.rejectionCode === 'expired') return undefined;
  return answer.rejectionCode;
}
