import {
  CancellationScope,
  allHandlersFinished,
  condition,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import type { DispatchOrderInput, OrderResult } from '../domain/order-state';
import { policyFor, startCancellation, submitOrder } from './activities';
import { withdraw } from './compensation';
import { handleMessages } from './handlers';
import { orderTask } from './human-task';
import { OrderView } from './order-view';
import { failIfFinal, requestDispatch } from './request-dispatch';

/**
 * Dispatches an order: ends with the order `dispatched` or `cancelled`, whatever happens on the way.
 *
 * The workflow follows the order's row: what it does next depends on the row's status alone, so a
 * start, a restart, a reset and a continue-as-new are one path, and anything may run twice. Nothing
 * of it can be cancelled from outside: a cancellation of the workflow becomes a cancellation of the
 * order.
 */
export async function dispatchOrder(input: DispatchOrderInput): Promise<OrderResult> {
  const view = new OrderView(input);
  handleMessages(view);
  return CancellationScope.nonCancellable(async () => {
    await submit(view);
    do {
      while (!view.isSettled) await takeNextStep(view);
      view.cancelRequest = undefined;
      await condition(() => allHandlersFinished() || !view.isSettled);
    } while (!view.isSettled);
    return view.result;
  });
}

async function takeNextStep(view: OrderView): Promise<void> {
  const { status, orderId } = view.order;
  if (view.cancelRequest && status !== 'cancelling') {
    const request = view.cancelRequest;
    const at = new Date().toISOString();
    view.takeResult(await startCancellation({ orderId, request, at }));
    return;
  }
  switch (status) {
    case 'placed':
      return requestDispatch(view);
    case 'escalated':
      return orderTask(view);
    case 'cancelling':
    case 'dispatched':
      return withdraw(view);
    case 'cancelled':
      return;
  }
}

/**
 * The quick path: records the order, asks for its dispatch and, most times, has the answer, all in
 * the first workflow task. Where it fails, the durable path begins from nothing.
 */
async function submit(view: OrderView): Promise<void> {
  const { input } = view;
  const startedAt = workflowInfo().startTime.toISOString();
  try {
    const submission = await submitOrder({ ...input, startedAt });
    view.takeProgress(submission);
    view.confirmedAt = submission.confirmedAt;
    view.firstRequestNumber = submission.order.requestNumber;
  } catch (error) {
    failIfFinal(error);
    log.warn('the quick path failed: going on with the durable path', { error });
    const policy = await policyFor(input.policy ? { policy: input.policy } : {});
    view.takeProgress({
      policy,
      order: {
        orderId: input.order.orderId,
        status: 'placed',
        requestNumber: 1,
        attempts: 0,
        dispatchBy: new Date(Date.parse(startedAt) + policy.dispatchWithinMs).toISOString(),
      },
    });
  }
}
