import {
  ApplicationFailure,
  TimeoutFailure,
  condition,
  type ActivityFailure,
} from '@temporalio/workflow';
import { RetryState } from '@temporalio/common';
import { INTERRUPTED, type RequestDetails } from '../domain/interruption';
import type { Answer } from '../domain/order-state';
import type { EscalationReason } from '../domain/status';
import { cancelRejected, escalate, requestActivities, startNextRequest } from './activities';
import { awaitAnswer } from './await-answer';
import type { OrderView } from './order-view';

/** Asks for the dispatch of a `placed` order and deals with the answer, or with there being none. */
export async function requestDispatch(view: OrderView): Promise<void> {
  if (view.rejection) return handleRejection(view, view.rejection);
  if (view.isRequestDeadLettered) return escalateOrder(view, 'requestDeadLettered');
  const isOver = () =>
    view.order.status !== 'placed' ||
    view.rejection !== undefined ||
    view.isRequestDeadLettered ||
    view.cancelRequest !== undefined;
  // Nothing but a person's release brings it back, so no deadline ends it.
  if (view.isHeld) return condition(() => !view.isHeld || isOver());
  const { dispatchBy, requestNumber } = view.order;
  if (Date.parse(dispatchBy) <= Date.now()) {
    return escalateOrder(view, view.exhaustion ?? 'deadlinePassed');
  }

  const { policy, confirmedAt, exhaustion: before } = view;
  view.confirmedAt = undefined;
  view.exhaustion = undefined;
  const { order } = view.input;
  const { found, failure } = await awaitAnswer({
    request: (interrupted) =>
      requestActivities(policy, new Date(dispatchBy), interrupted).requestDispatch({
        order,
        policy,
        dispatchBy,
        requestNumber,
        ...(confirmedAt && { confirmedAt }),
        interrupted,
      }),
    isOver,
  });
  if (found) view.takeProgress(found);
  if (!failure) return;
  const { cause } = failure;
  view.unforeseen = cause instanceof ApplicationFailure ? cause.message : undefined;
  view.exhaustion = exhaustionReason(failure, before);
  await escalateOrder(view, view.exhaustion);
  view.exhaustion = undefined;
}

/**
 * Why a request without an answer is given up.
 *
 * @param before why it got no further than to this request: that holds where no attempt said anything.
 */
function exhaustionReason(
  { cause, retryState }: ActivityFailure,
  before: EscalationReason | undefined,
): EscalationReason {
  if (cause instanceof ApplicationFailure) return reasonOf(cause.type);
  const timeout = cause instanceof TimeoutFailure ? cause : undefined;
  const details = timeout?.lastHeartbeatDetails as Partial<RequestDetails> | undefined;
  if (details?.confirmedAt === undefined) {
    if (details?.waitsFor === 'database') return 'databaseUnavailable';
    return details?.waitsFor === 'broker' ? 'brokerUnavailable' : (before ?? 'brokerUnavailable');
  }
  // Past the deadline during an attempt, or no time for the next one.
  const isLate = timeout?.timeoutType === 'SCHEDULE_TO_CLOSE' || retryState === RetryState.TIMEOUT;
  return isLate ? 'deadlinePassed' : 'noAcknowledgement';
}

/**
 * Why the last attempt failed, by the type of its failure. Interrupted: the worker shut down while it
 * waited, for the broker most times; only what began before a shutdown used up no attempt ends so.
 */
function reasonOf(type: ApplicationFailure['type']): EscalationReason {
  switch (type) {
    case 'BrokerUnavailable':
    case 'UnroutableMessage':
    case INTERRUPTED:
      return 'brokerUnavailable';
    case 'DatabaseUnavailable':
      return 'databaseUnavailable';
    default:
      return 'requestFailed';
  }
}

async function handleRejection(view: OrderView, answer: Answer): Promise<void> {
  const { policy, order } = view;
  const { orderId, requestNumber } = order;
  const { rejectionCode = 'other', retryAfterMs } = answer;
  if (rejectionCode === 'expired') {
    return escalateOrder(view, view.exhaustion ?? 'deadlinePassed', rejectionCode);
  }
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
