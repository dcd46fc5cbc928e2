import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  TimeoutFailure,
  condition,
  isCancellation,
} from '@temporalio/workflow';
import { RetryState } from '@temporalio/common';
import type { RequestDetails } from '../activities/request-dispatch';
import type { Answer, OrderProgress } from '../domain/order-state';
import type { EscalationReason } from '../domain/status';
import { cancelRejected, escalate, requestActivities, startNextRequest } from './activities';
import type { OrderView } from './order-view';

/** Asks for the dispatch of a `placed` order and deals with the answer, or with there being none. */
export async function requestDispatch(view: OrderView): Promise<void> {
  if (view.answer) return handleRejection(view, view.answer);
  const { dispatchBy } = view.order;
  if (Date.parse(dispatchBy) <= Date.now()) return escalateOrder(view, 'deadlinePassed');

  const { policy, confirmedAt } = view;
  view.confirmedAt = undefined;
  const activities = requestActivities(policy, new Date(dispatchBy));
  const { order } = view.input;
  const failure = await awaitAnswer(view, {
    request: () =>
      activities.requestDispatch({ order, policy, dispatchBy, ...(confirmedAt && { confirmedAt }) }),
    isOver: () =>
      view.order.status !== 'placed' ||
      view.answer !== undefined ||
      view.cancelRequest !== undefined,
  });
  if (failure) await escalateOrder(view, exhaustionReason(failure));
}

/**
 * Runs a request's activity until its answer comes by signal, or the server has no attempt left.
 *
 * @returns the failure, where it exhausted its attempts.
 */
export async function awaitAnswer(
  view: OrderView,
  given: { request: () => Promise<OrderProgress>; isOver: () => boolean },
): Promise<ActivityFailure | undefined> {
  const scope = new CancellationScope();
  let failure: ActivityFailure | undefined;
  let returned = false;
  const attempts = scope.run(given.request).then(
    (progress) => {
      view.takeProgress(progress);
      returned = true;
    },
    (error: unknown) => {
      if (isCancellation(error)) return;
      if (!(error instanceof ActivityFailure)) throw error;
      failure = error;
    },
  );
  await Promise.race([
    attempts,
    condition(() => returned || failure !== undefined || given.isOver()),
  ]);
  if (returned) return undefined;
  if (given.isOver()) {
    scope.cancel();
    return undefined;
  }
  failIfFinal(failure);
  return failure;
}

/** Why a request without an answer is given up. */
export function exhaustionReason({ cause, retryState }: ActivityFailure): EscalationReason {
  const timeout = cause instanceof TimeoutFailure ? cause : undefined;
  const details = timeout?.lastHeartbeatDetails as RequestDetails | undefined;
  if (!details?.confirmedAt) return 'brokerUnavailable';
  // Past the deadline during an attempt, or no time for the next one.
  const isLate = timeout?.timeoutType === 'SCHEDULE_TO_CLOSE' || retryState === RetryState.TIMEOUT;
  return isLate ? 'deadlinePassed' : 'noAcknowledgement';
}

async function handleRejection(view: OrderView, answer: Answer): Promise<void> {
  const { policy, order } = view;
  const { orderId, requestNumber } = order;
  const { rejectionCode = 'other', retryAfterMs } = answer;
  if (rejectionCode === 'expired') return escalateOrder(view, 'deadlinePassed', rejectionCode);
  if (retryAfterMs === undefined) {
    if (policy.onRejection === 'escalate') {
      return escalateOrder(view, 'rejected', rejectionCode);
    }
    view.takeResult(await cancelRejected({ orderId, requestNumber, rejectionCode }));
    return;
  }
  const nextAt = Date.parse(answer.receivedAt) + retryAfterMs;
  if (nextAt > Date.parse(order.dispatchBy)) {
    return escalateOrder(view, 'deadlinePassed', rejectionCode);
  }
  if (requestNumber - view.firstRequestNumber + 1 >= policy.maximumAttempts) {
    return escalateOrder(view, 'rejected', rejectionCode);
  }
  const isOver = () => view.order.status !== 'placed' || view.cancelRequest !== undefined;
  if (nextAt > Date.now() && (await condition(isOver, nextAt - Date.now()))) return;
  view.takeResult(await startNextRequest({ orderId, requestNumber }));
}

async function escalateOrder(
  view: OrderView,
  escalationReason: EscalationReason,
  rejectionCode?: string,
): Promise<void> {
  const { orderId, requestNumber } = view.order;
  view.takeResult(
    await escalate({
      orderId,
      requestNumber,
      escalationReason,
      ...(rejectionCode && { rejectionCode }),
      at: new Date().toISOString(),
    }),
  );
}

/**
 * Fails the workflow where an activity says that nothing can mend it: the order is not valid, or its
 * ID is taken by another one.
 */
export function failIfFinal(error: unknown): void {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || !cause.nonRetryable) return;
  throw ApplicationFailure.nonRetryable(cause.message, cause.type);
}
