import { CompleteAsyncError, Context, activityInfo } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { setTimeout as delay } from 'node:timers/promises';
import { findAnswer } from '../database/orders/acknowledgements';
import { insertOrRead } from '../database/orders/record-order';
import { isDatabaseUnavailable } from '../database/fault';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import { BrokerUnavailable } from '../domain/errors';
import { parseOrder, type Order } from '../domain/order';
import { isUnanswered, type Answer, type OrderProgress } from '../domain/order-state';
import type { Policy } from '../domain/policy';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import { dispatchRequestMessage, withdrawalMessage } from '../messaging/messages';
import type { OutgoingMessage } from '../messaging/publisher';
import type { ActivityDependencies } from './dependencies';

/** Heartbeat details of a request that is out. */
export interface RequestDetails {
  requestId: string;
  /** When the broker confirmed it, ISO 8601. */
  confirmedAt: string;
  /** What a later attempt waits for. */
  waitsFor?: Infrastructure;
}

type Infrastructure = 'broker' | 'database';

/** The order, as each request carries it, and what it is tried with. The row's values win. */
export interface DispatchRequestInput {
  order: Order;
  policy: Policy;
  /** ISO 8601. */
  dispatchBy: string;
  requestNumber: number;
  /** When the quick path's publish of this request was confirmed: the first attempt only waits then. */
  confirmedAt?: string;
}

/** Pause before something is tried again that an outage broke, in ms. */
const OUTAGE_PAUSE_MS = 250;

/**
 * The activities of the durable path. Each publishes and is then *never completed*: its answer comes
 * to the workflow by signal, and the activity is there for the server's timeout, retry and backoff.
 * It returns only where there is nothing to wait for.
 */
export function createRequestActivities(dependencies: ActivityDependencies) {
  const { database, publisher, temporal, replyKey } = dependencies;

  /** Publishes until confirmed, through any outage, then leaves the attempt waiting for its answer. */
  async function publishAndWait(requestId: string, message: () => OutgoingMessage): Promise<never> {
    await throughOutages(() => publisher.publish(message()));
    await leaveWaiting({ requestId, confirmedAt: new Date().toISOString() });
    throw new CompleteAsyncError();
  }

  /**
   * Does one thing that needs the broker or the database, however long they are away: an outage burns
   * no attempt. Only the deadline ends it, or the worker's shutdown.
   */
  async function throughOutages<Result>(work: () => Promise<Result>): Promise<Result> {
    const { cancellationSignal } = Context.current();
    let waitsFor: Infrastructure | undefined;
    const stopHeartbeat = heartbeatWhileWaiting(() => waitsFor);
    try {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if (error instanceof BrokerUnavailable) {
            waitsFor = 'broker';
            await publisher.whenAvailable(cancellationSignal);
          } else if (isDatabaseUnavailable(error)) waitsFor = 'database';
          else throw error;
          await delay(OUTAGE_PAUSE_MS, undefined, { signal: cancellationSignal });
        }
      }
    } catch (error) {
      if (!cancellationSignal.aborted) throw error;
      throw ApplicationFailure.retryable('the worker shut down, or nobody waits', 'Interrupted');
    } finally {
      stopHeartbeat();
    }
  }

  /**
   * Tells the server that the request is out: the acknowledgement timeout, which is the activity's
   * heartbeat timeout, counts from here. By the client, since a worker's own heartbeats are throttled.
   */
  async function leaveWaiting(details: RequestDetails): Promise<void> {
    try {
      await temporal.activity.heartbeat(activityInfo().taskToken, details);
    } catch (error) {
      // The answer was quicker, and the workflow went on without this activity.
      if (error instanceof ActivityNotFoundError || error instanceof ActivityCancelledError) return;
      throw error;
    }
  }

  return {
    /** Asks for a dispatch. Returns the order where it is answered or has moved on already. */
    async requestDispatch(input: DispatchRequestInput): Promise<OrderProgress> {
      const order = parseOrder(input.order);
      const hash = contentHash(order);
      const isOut = input.confirmedAt !== undefined && activityInfo().attempt === 1;
      const recorded = {
        order,
        contentHash: hash,
        policy: input.policy,
        dispatchBy: input.dispatchBy,
        requestNumber: input.requestNumber,
        mayBeRestored: true,
      };
      const progress = await throughOutages(() =>
        insertOrRead(database, recorded, { attempt: !isOut }),
      );
      if (!isUnanswered(progress)) return progress;
      const { orderId, requestNumber, dispatchBy } = progress.order;
      const requestId = requestIdOf(orderId, requestNumber);
      if (isOut && input.confirmedAt) {
        await leaveWaiting({ requestId, confirmedAt: input.confirmedAt });
        throw new CompleteAsyncError();
      }
      return publishAndWait(requestId, () =>
        dispatchRequestMessage(
          { requestId, orderId, dispatchBy, contentHash: hash, order, policy: progress.policy },
          replyKey(),
        ),
      );
    },

    /**
     * Takes the order back. Returns the answer where there is one already.
     *
     * @param input.again asks whatever was answered before: an answer that the dispatch database
     * contradicts.
     */
    async requestWithdrawal(input: { orderId: string; again?: boolean }): Promise<Answer> {
      const { orderId, again = false } = input;
      const requestId = withdrawalIdOf(orderId);
      const answer = again
        ? undefined
        : await throughOutages(() => findAnswer(database, requestId));
      if (answer) return answer;
      return publishAndWait(requestId, () => withdrawalMessage({ requestId, orderId }, replyKey()));
    },
  };
}

/**
 * Keeps an attempt alive that waits for the broker or the database, and says which. Repeats the details
 * that the last attempt left, so that an order whose request once went out is never said to have stayed
 * at home.
 */
function heartbeatWhileWaiting(waitsFor: () => Infrastructure | undefined): () => void {
  const context = Context.current();
  const { heartbeatTimeoutMs } = context.info;
  const before = context.info.heartbeatDetails as Partial<RequestDetails> | undefined;
  if (!heartbeatTimeoutMs) return () => {};
  const beat = () => context.heartbeat({ ...before, ...defined({ waitsFor: waitsFor() }) });
  const timer = setInterval(beat, heartbeatTimeoutMs / 3);
  return () => clearInterval(timer);
}
