import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { DispatchOrderInput, OrderResult } from '../domain/workflow-contract';
import type { CancelOrderInput } from '../domain/workflow-contract';
import { MEMO_CONTENT_HASH } from '../domain/temporal-names';
import { loadOrder, policyFor, startCancellation, submitOrder } from './activities';
import { failIfFinal, finalFailureOf, isDatabaseUnavailable } from './await-answer';
import { takeOrderBack } from './compensation';
import { answerStatus, handleMessages } from './handlers';
import { orderTask } from './order-tasks';
import { OrderView } from './order-view';
import { requestDispatch } from './request-dispatch';

/**
 * Dispatches an order: ends with the order `dispatched` or `cancelled`, whatever happens on the way.
 *
 * The workflow follows the order's row: what it does next depends on the row's status alone, so a
 * start, a restart, a reset and a continue-as-new are one path, and anything may run twice. Nothing
 * of it can be cancelled from outside: a cancellation of the workflow becomes a cancellation of the
 * order.
 */
export async function dispatchOrder(input: DispatchOrderInput): Promise<OrderResult> {
  const { orderId } = input.order;
  const view: OrderView = new OrderView(orderId, () =>
    continueAsNew<typeof dispatchOrder>({
      ...input,
      firstRequestNumber: view.firstRequestNumber,
    }),
  );
  view.input = input;
  handleMessages(view);
  answerStatus(view);
  return CancellationScope.nonCancellable(async () => {
    await submit(view);
    await followRow(view);
    return view.result;
  });
}

/**
 * Cancels an order after its dispatch: the same path, from a row that exists, with a cancellation to
 * begin with. Ends `cancelled`, or `dispatched` where it was too late.
 */
export async function cancelOrder(input: CancelOrderInput): Promise<OrderResult> {
  const { orderId, request } = input;
  const view = new OrderView(orderId, () => continueAsNew<typeof cancelOrder>(input));
  view.cancelRequest = request;
  handleMessages(view);
  return CancellationScope.nonCancellable(async () => {
    const { order, progress } = await loadOrder({ orderId }).catch((error: unknown) => {
      failIfFinal(error);
      throw error;
    });
    view.input = { order };
    view.takeProgress(progress);
    answerStatus(view);
    await followRow(view);
    return view.result;
  });
}

/** Pause before an order whose row is gone is recorded again, in ms: no loop runs hot. */
const RECORD_AGAIN_MS = 1_000;

/** Does what the row's status asks for, until nothing is left to do and nobody waits for an answer. */
async function followRow(view: OrderView): Promise<void> {
  while (!isDone(view)) {
    while (!view.isSettled) {
      const isFull = workflowInfo().continueAsNewSuggested && allHandlersFinished();
      // A cancellation is taken into the row first: a new run would not know of it.
      if (isFull && !view.cancelRequest) await view.continueAsNew();
      try {
        await takeNextStep(view);
      } catch (error) {
        // The row was deleted behind our back: it is recorded again, and the path begins anew.
        if (finalFailureOf(error)?.type !== 'OrderNotFound') throw error;
        log.warn('the order row is gone: recording it again', { orderId: view.order.orderId });
        await sleep(RECORD_AGAIN_MS);
        await submit(view);
      }
    }
    view.cancelRequest = undefined;
    await condition(() => allHandlersFinished() || !view.isSettled);
  }
}

/** Whether nothing is left to do and nobody waits for an answer: of most orders, after the quick path. */
function isDone(view: OrderView): boolean {
  return view.isSettled && allHandlersFinished();
}

async function takeNextStep(view: OrderView): Promise<void> {
  const { status, orderId } = view.order;
  if (view.cancelRequest && status !== 'cancelling') {
    const request = view.cancelRequest;
    const at = new Date().toISOString();
    view.takeResult(await startCancellation({ orderId, request, at }));
    // What was erased cannot be taken back: the caller hears that it is too late.
    if (view.order.erasedAt) view.cancelRequest = undefined;
    return;
  }
  switch (status) {
    case 'placed':
      return requestDispatch(view);
    case 'escalated':
      return orderTask(view);
    case 'cancelling':
    case 'dispatched':
      return takeOrderBack(view);
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
    const { requestNumber } = view;
    const submission = await submitOrder({
      ...input,
      startedAt,
      ...(requestNumber && { requestNumber }),
    });
    view.takeProgress(submission);
    // A start by hand, or by a repair, carries no hash: without one, `placeOrder` could not tell.
    if (workflowInfo().memo?.[MEMO_CONTENT_HASH] === undefined) {
      upsertMemo({ [MEMO_CONTENT_HASH]: submission.contentHash });
    }
    view.confirmedAt = submission.confirmedAt;
    view.firstRequestNumber = input.firstRequestNumber ?? submission.order.requestNumber;
  } catch (error) {
    // Also where nothing can mend it: the durable path finds the same, and the workflow fails.
    log.warn('the quick path failed: going on with the durable path', { error });
    // Where the deadline passes before the durable path begins, this is why.
    if (isDatabaseUnavailable(error)) view.exhaustion ??= 'databaseUnavailable';
    const policy = await policyFor(input.policy ? { policy: input.policy } : {});
    view.takeProgress({
      policy,
      order: {
        orderId: input.order.orderId,
        status: 'placed',
        requestNumber: view.requestNumber ?? 1,
        attempts: 0,
        dispatchBy: new Date(Date.parse(startedAt) + policy.dispatchWithinMs).toISOString(),
      },
    });
  }
}
