import { CompleteAsyncError, Context, activityInfo } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { setTimeout as delay } from 'node:timers/promises';
import { findAnswer } from '../database/orders/acknowledgements';
import { isHeld } from '../database/orders/holds';
import { insertOrRead } from '../database/orders/record-order';
import { isDatabaseUnavailable } from '../database/fault';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import { BrokerUnavailable } from '../domain/errors';
import { parseOrder, type Order } from '../domain/order';
import { isToBeSent, type Answer, type OrderProgress } from '../domain/order-state';
import type { Policy } from '../domain/policy';
import { INTERRUPTED, type Interruption, type RequestDetails } from '../domain/interruption';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import { dispatchRequestMessage, withdrawalMessage } from '../messaging/messages';
import type { OutgoingMessage } from '../messaging/publisher';
import type { ActivityDependencies } from './dependencies';

/** The order, as each request carries it, and what it is tried with. The row's values win. */
export interface DispatchRequestInput {
  order: Order;
  policy: Policy;
  /** ISO 8601. */
  dispatchBy: string;
  requestNumber: number;
  /** When the quick path's publish of this request was confirmed: the first attempt only waits then. */
  confirmedAt?: string;
  interrupted?: Interruption;
}

/** Pause before something is tried again that an outage broke, in ms. */
const OUTAGE_PAUSE_MS = 250;

/** How often an attempt that waits for the broker looks whether a hold is in force, in ms. */
const HOLD_LOOK_MS = 5_000;

/**
 * The activities of the durable path. Each publishes and is then *never completed*: its answer comes
 * to the workflow by signal, and the activity is there for the server's timeout, retry and backoff.
 * It returns only where there is nothing to wait for.
 */
export function createRequestActivities(dependencies: ActivityDependencies) {
  const { database, publisher, temporal, replyKey } = dependencies;

  /**
   * Publishes until confirmed, through any outage, then leaves the attempt waiting for its answer.
   *
   * @param given.findNeedless looks whether nothing is to be sent any more, before each publish but the
   * first: the attempt ends with what it finds.
   */
  async function publishAndWait<Found = never>(given: {
    requestId: string;
    interrupted: Interruption | undefined;
    message: () => OutgoingMessage;
    findNeedless?: () => Promise<Found | undefined>;
  }): Promise<Found> {
    const { requestId, interrupted, message, findNeedless } = given;
    let isFirst = true;
    const found = await throughOutages(interrupted, async () => {
      const needless = isFirst ? undefined : await findNeedless?.();
      isFirst = false;
      if (needless === undefined) await publisher.publish(message());
      return needless;
    });
    if (found !== undefined) return found;
    await leaveWaiting({ requestId, confirmedAt: new Date().toISOString() });
    throw new CompleteAsyncError();
  }

  /**
   * Does one thing that needs the broker or the database, however long they are away: an outage burns
   * no attempt. Only the deadline ends it, or the worker's shutdown, after which another worker goes on.
   */
  async function throughOutages<Result>(
    interrupted: Interruption | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { cancellationSignal } = Context.current();
    let waitsFor: RequestDetails['waitsFor'];
    const details = () => ({ ...detailsBefore(interrupted), ...defined({ waitsFor }) });
    const stopHeartbeat = heartbeatWhileWaiting(details);
    try {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if (error instanceof BrokerUnavailable) {
            waitsFor = 'broker';
            await brokerIsBack(cancellationSignal);
          } else if (isDatabaseUnavailable(error)) waitsFor = 'database';
          else throw error;
          await delay(OUTAGE_PAUSE_MS, undefined, { signal: cancellationSignal });
        }
      }
    } catch (error) {
      if (!cancellationSignal.aborted) throw error;
      throw interruption(interrupted, details());
    } finally {
      stopHeartbeat();
    }
  }

  /** Waits until the broker is back, or it is time to look whether a hold has begun meanwhile. */
  async function brokerIsBack(cancellationSignal: AbortSignal): Promise<void> {
    const wait = new AbortController();
    const end = () => wait.abort();
    const timer = setTimeout(end, HOLD_LOOK_MS);
    cancellationSignal.addEventListener('abort', end, { once: true });
    try {
      await publisher.whenAvailable(wait.signal);
    } catch (error) {
      if (!wait.signal.aborted || cancellationSignal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      cancellationSignal.removeEventListener('abort', end);
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
      const isFirst = activityInfo().attempt === 1 && !input.interrupted?.attempts;
      const isOut = input.confirmedAt !== undefined && isFirst;
      const recorded = {
        order,
        contentHash: hash,
        policy: input.policy,
        dispatchBy: input.dispatchBy,
        requestNumber: input.requestNumber,
        mayBeRestored: true,
      };
      const progress = await throughOutages(input.interrupted, () =>
        insertOrRead(database, recorded, { attempt: !isOut }),
      );
      if (!isToBeSent(progress)) return progress;
      const { orderId, requestNumber, dispatchBy } = progress.order;
      const requestId = requestIdOf(orderId, requestNumber);
      if (isOut && input.confirmedAt) {
        await leaveWaiting({ requestId, confirmedAt: input.confirmedAt });
        throw new CompleteAsyncError();
      }
      return publishAndWait({
        requestId,
        interrupted: input.interrupted,
        message: () =>
          dispatchRequestMessage(
            { requestId, orderId, dispatchBy, contentHash: hash, order, policy: progress.policy },
            replyKey(),
          ),
        findNeedless: async () => {
          if (!(await isHeld(database))) return undefined;
          const again = await insertOrRead(database, recorded, { attempt: false });
          return isToBeSent(again) ? undefined : again;
        },
      });
    },

    /**
     * Takes the order back. Returns the answer where there is one already.
     *
     * @param input.again asks whatever was answered before: an answer that the dispatch database
     * contradicts.
     */
    async requestWithdrawal(input: {
      orderId: string;
      again?: boolean;
      interrupted?: Interruption;
    }): Promise<Answer> {
      const { orderId, again = false, interrupted } = input;
      const requestId = withdrawalIdOf(orderId);
      const answer = again
        ? undefined
        : await throughOutages(interrupted, () => findAnswer(database, requestId));
      if (answer) return answer;
      return publishAndWait({
        requestId,
        interrupted,
        message: () => withdrawalMessage({ requestId, orderId }, replyKey()),
      });
    },
  };
}

/** Keeps an attempt alive that waits for the broker or the database. */
function heartbeatWhileWaiting(details: () => Partial<RequestDetails>): () => void {
  const context = Context.current();
  const { heartbeatTimeoutMs } = context.info;
  if (!heartbeatTimeoutMs) return () => {};
  const timer = setInterval(() => context.heartbeat(details()), heartbeatTimeoutMs / 3);
  return () => clearInterval(timer);
}

/**
 * What the attempts before left, so that an order whose request once went out is never said to have
 * stayed at home.
 */
function detailsBefore(interrupted: Interruption | undefined): Partial<RequestDetails> {
  const heartbeat = activityInfo().heartbeatDetails as Partial<RequestDetails> | undefined;
  return heartbeat ?? interrupted?.details ?? {};
}

/**
 * The failure of an attempt that the worker's shutdown ended. It ends the activity, so that the workflow
 * begins it anew with the attempts that are left, this one among them; a workflow that does not know of
 * that, since it began before, has it tried again.
 */
function interruption(
  before: Interruption | undefined,
  details: Partial<RequestDetails>,
): ApplicationFailure {
  const message = 'the worker shut down, or nobody waits';
  if (!before) return ApplicationFailure.retryable(message, INTERRUPTED);
  const attempts = before.attempts + activityInfo().attempt - 1;
  return ApplicationFailure.nonRetryable(message, INTERRUPTED, { attempts, details });
}
