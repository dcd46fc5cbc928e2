import { log } from '@temporalio/workflow';
import type { Answer } from '../domain/order-state';
import { escalateWithdrawal, requestActivities, settleWithdrawal } from './activities';
import { withdrawalTask } from './human-task';
import type { OrderView } from './order-view';
import { awaitAnswer } from './request-dispatch';

/**
 * Takes an order back. The row is the saga's log, so the steps survive whatever happens:
 *
 * 1. into `cancelling` (before this: the compare-and-set that every cancellation begins with);
 * 2. the withdrawal is requested until it is answered: here the dispatch system decides;
 * 3. `cancelled`, or `dispatched` again where the courier is already on the way.
 *
 * After a person's `markDispatched` the same withdrawal sees to it that no second courier comes.
 *
 * | what happens           | then                                                               |
 * |------------------------|--------------------------------------------------------------------|
 * | a step fails           | it is tried again; without an answer: human task `withdrawalFailed` |
 * | a late answer          | closes that task by itself                                         |
 * | workflow cancelled     | nothing stops: this runs in a non-cancellable scope                |
 * | terminated, then reset or started again | goes on from the row: each step may run twice     |
 */
export async function withdraw(view: OrderView): Promise<void> {
  if (view.withdrawalAnswer) return settle(view, view.withdrawalAnswer);
  if (view.order.escalationReason === 'withdrawalFailed') return withdrawalTask(view);

  const { policy, input } = view;
  const deadline = new Date(Date.now() + policy.dispatchWithinMs);
  const activities = requestActivities(policy, deadline);
  const failure = await awaitAnswer(view, {
    request: () => {
      const dispatchBy = deadline.toISOString();
      return activities.requestWithdrawal({ order: input.order, policy, dispatchBy });
    },
    isOver: () => view.withdrawalAnswer !== undefined,
  });
  if (failure) {
    const { orderId } = view.order;
    view.takeResult(await escalateWithdrawal({ orderId, at: new Date().toISOString() }));
  } else if (view.withdrawalAnswer) {
    await settle(view, view.withdrawalAnswer);
  }
}

async function settle(view: OrderView, answer: Answer): Promise<void> {
  const { orderId, status, courierId, escalationReason } = view.order;
  if (status === 'cancelling') {
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
}
