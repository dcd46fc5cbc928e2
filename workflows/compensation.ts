import { log, patched } from '@temporalio/workflow';
import type { Answer } from '../domain/order-state';
import { withdrawalIdOf } from '../domain/request-id';
import {
  escalateCallOff,
  escalateWithdrawal,
  reconcile,
  requestActivities,
  settleWithdrawal,
} from './activities';
import { awaitAnswer } from './await-answer';
import { callOffTask, withdrawalTask } from './order-tasks';
import type { OrderView } from './order-view';

/** Orders that were settled without are in histories. */
const CALLS_OFF_COURIER = 'call-off-courier';

/**
 * Takes an order back. The row is the saga's log, so the steps survive whatever happens:
 *
 * 1. into `cancelling` (before this: the compare-and-set that every cancellation begins with);
 * 2. the withdrawal is requested until it is answered: here the dispatch system decides;
 * 3. `cancelled`, or `dispatched` again where the courier is already on the way.
 *
 * After a person's `markDispatched` the same withdrawal sees to it that no second courier comes. Where
 * such an order is cancelled, a person has to call off the courier whom a person sent.
 *
 * | what happens           | then                                                               |
 * |------------------------|--------------------------------------------------------------------|
 * | a step fails           | it is tried again; without an answer: human task `withdrawalFailed` |
 * | a late answer          | closes that task by itself                                         |
 * | workflow cancelled     | nothing stops: this runs in a non-cancellable scope                |
 * | terminated, then reset or started again | goes on from the row: each step may run twice     |
 */
export async function takeOrderBack(view: OrderView): Promise<void> {
  if (view.withdrawalAnswer) return applyWithdrawalAnswer(view, view.withdrawalAnswer);
  if (view.order.escalationReason === 'withdrawalFailed') return withdrawalTask(view);

  const { orderId } = view.order;
  const withdrawalId = withdrawalIdOf(orderId);
  const deadline = new Date(Date.now() + view.policy.dispatchWithinMs);
  const { found, failure } = await awaitAnswer({
    request: (interrupted) =>
      requestActivities(view.policy, deadline, interrupted).requestWithdrawal({
        orderId,
        interrupted,
      }),
    isOver: () => view.withdrawalAnswer !== undefined || view.deadLetters.has(withdrawalId),
  });
  if (found) view.takeAnswer(found);
  if (view.withdrawalAnswer) return applyWithdrawalAnswer(view, view.withdrawalAnswer);
  if (failure || view.deadLetters.delete(withdrawalId)) {
    view.takeResult(await escalateWithdrawal({ orderId, at: new Date().toISOString() }));
  }
}

/**
 * No second courier comes any more; but the one whom a person sent is still on the way, and only people
 * can reach him.
 */
async function callOff(view: OrderView): Promise<void> {
  const { orderId, escalationReason } = view.order;
  if (escalationReason !== 'courierToCallOff') {
    view.takeResult(await escalateCallOff({ orderId, at: new Date().toISOString() }));
    return;
  }
  await callOffTask(view);
  if (view.order.status !== 'cancelling') view.cancelRequest = undefined;
}

async function applyWithdrawalAnswer(view: OrderView, answer: Answer): Promise<void> {
  const { orderId, status, courierId, dispatchedBy, escalationReason } = view.order;
  if (status === 'cancelling') {
    const isSentByPerson = dispatchedBy === 'person' && answer.outcome === 'withdrawn';
    if (isSentByPerson && patched(CALLS_OFF_COURIER)) return callOff(view);
    view.takeResult(await settleWithdrawal({ orderId }));
    view.cancelRequest = undefined;
    return;
  }
  if (answer.outcome === 'withdrawalRefused') {
    log.error('two couriers may be on the way: a person sent one, the dispatch system another', {
      orderId,
      courierId,
      dispatchSystemCourierId: answer.courierId,
    });
  }
  if (escalationReason) view.takeResult(await settleWithdrawal({ orderId }));
  // Last: while this workflow runs, a reconciliation finds that it owns the order, and does nothing.
  if (answer.outcome === 'withdrawalRefused') {
    await reconcile({ orderId, trigger: 'late', provenance: answer.requestId });
  }
  view.isRefusalReported = true;
}
