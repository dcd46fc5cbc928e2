import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  discardSettledRequests,
  recordDeadLetter,
  type NewDeadLetter,
} from '../database/orders/dead-letters';
import { APP_IDS, MESSAGE_MAX_BYTES, QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE } from '../domain/messages/withdrawal';
import { orderIdSchema } from '../domain/order';
import type { RequestDeadLettered } from '../domain/workflow-contract';
import { SIGNALS } from '../domain/temporal-names';
import type { RetryPauses } from '../messaging/consumer';
import type { IncomingMessage } from '../messaging/incoming-message';
import type { Publisher } from '../messaging/publisher';
import { startConsumer, type StartedConsumer } from '../messaging/start-consumer';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { signalIfRunning, workflowIdsOf } from '../temporal/order-workflows';
import { defined } from '../domain/defined';

/** Dead letters under way at once. */
const PREFETCH = 20;

/** How long telling a workflow may take before it is tried again, in ms. */
const SIGNAL_WITHIN_MS = 10_000;

/** How often the dead letters of orders that have ended are discarded, in ms. */
const TIDY_INTERVAL_MS = 60_000;

/**
 * How much content is recorded as a whole, in bytes: 16 times what a message of ours may have. Of more only the
 * head is, since PostgreSQL takes long for what the broker may deliver (128 MiB by default).
 */
const CONTENT_MAX_BYTES = 16 * MESSAGE_MAX_BYTES;

/** Each dead-letter queue with the queue that a replay goes to: home queues' share one. */
const SOURCE_QUEUES: ReadonlyMap<string, string> = new Map(
  Object.values(QUEUES).map((queue) => [deadLetterQueueOf(queue), queue]),
);

/**
 * Starts to move every dead letter from its queue into the table `dead_letters`, where people can list,
 * replay and discard them:
 *
 * 1. it is recorded, once, however often it is delivered; what cannot be read is stored as it is, and of more than
 *    1 MiB its head, its size and its hash
 * 2. a request of ours tells its workflow, which need not wait for an answer any more
 * 3. the broker may forget it
 *
 * Whatever fails on the way holds the message and tries again: the drain itself gives nothing up.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached.
 */
export async function startDeadLetterDrain(options: {
  amqpUrl: string;
  database: OrdersDatabase;
  temporal: Client;
  /** Never used while the drain gives nothing up; its consumer asks for one. */
  publisher: Publisher;
  log: Logger;
  pauses?: RetryPauses;
}): Promise<StartedConsumer> {
  const { amqpUrl, database, temporal, publisher, log, pauses } = options;
  const tidying = setInterval(() => {
    discardSettledRequests(database).then(
      (count) =>
        count > 0 && log.info({ count }, 'dead letters discarded: their orders have ended'),
      (error: unknown) => log.warn({ err: error }, 'dead letters of ended orders stay open'),
    );
  }, TIDY_INTERVAL_MS).unref();
  const consumer = await startConsumer({
    url: amqpUrl,
    name: 'supplement drain',
    queues: [...SOURCE_QUEUES.keys()],
    prefetch: PREFETCH,
    log,
    publisher,
    // A dead letter of a dead letter would have nowhere to go.
    faultOf: () => 'infrastructure',
    ...(pauses && { pauses }),
    handle: async (message) => {
      const deadLetter = toDeadLetter(message);
      const isNew = await recordDeadLetter(database, deadLetter);
      crashPoint('drain.afterCommit');
      const { orderId, sourceQueue, messageId, deadLetterReason } = deadLetter;
      if (isNew) log.error({ orderId, sourceQueue, messageId, deadLetterReason }, 'dead letter');
      // Also when it is not new: the drain may have ended between the two.
      if (isRequestOfOurs(deadLetter)) await tellWorkflows(temporal, deadLetter);
    },
  }).catch((error: unknown) => {
    clearInterval(tidying);
    throw error;
  });
  return {
    ...consumer,
    close: () => {
      clearInterval(tidying);
      return consumer.close();
    },
  };
}

/** Reads what a dead letter says of itself; what it does not say is filled in, never refused. */
function toDeadLetter(message: IncomingMessage): NewDeadLetter {
  const { headers, content, correlationId, replyTo, timestampMs, queue } = message;
  const sourceQueue = SOURCE_QUEUES.get(queue) ?? queue;
  const failure = readFailure(headers);
  const { type, appId, messageId } = storable({
    type: message.type,
    appId: message.appId,
    messageId: message.messageId,
  });
  const orderId = readOrderId(message);
  const isWhole = content.length <= CONTENT_MAX_BYTES;
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify([sourceQueue, messageId, failure.firstFailedAt ?? '']))
      .update(content)
      .digest('hex'),
    sourceQueue,
    messageId,
    type,
    appId,
    ...defined({ orderId }),
    deadLetterReason: storable(failure.deadLetterReason).slice(0, REASON_MAX_LENGTH),
    properties: storable(
      defined({
        correlationId,
        replyTo,
        timestampMs: timestampMs > 0 ? timestampMs : undefined,
        original: isWhole ? undefined : { bytes: content.length, sha256: sha256(content) },
      }),
    ),
    headers: storable(headers),
    content: Uint8Array.from(isWhole ? content : content.subarray(0, MESSAGE_MAX_BYTES)),
    attempts: failure.attempts,
    firstFailedAt: failure.firstFailedAt ?? new Date(),
    lastFailedAt: failure.lastFailedAt ?? new Date(),
  };
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

interface Failure {
  deadLetterReason: string;
  attempts: number;
  firstFailedAt?: Date;
  lastFailedAt?: Date;
}

/** The table is indexed by it, and a stranger may have written it. */
const REASON_MAX_LENGTH = 500;

/** What our consumers write (see messaging/consumer.ts). */
const consumerHeaders = z.object({
  deadLetterReason: z.string().min(1),
  firstFailedAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional()
    .catch(undefined),
  lastFailedAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional()
    .catch(undefined),
  attempts: z.int().min(0).max(2_147_483_647).catch(1),
});

/** What RabbitMQ writes when it gives a message up itself; the newest first. */
const brokerHeaders = z.object({
  'x-death': z.tuple(
    [
      z.object({
        reason: z.string(),
        /** How often it was dead-lettered so, not how often it was delivered. */
        count: z.int().min(0).max(2_147_483_647).catch(1),
        /** In s since the epoch; to the year 9999, so that it is a date. */
        time: z
          .object({ value: z.number().min(0).max(253_402_300_799) })
          .optional()
          .catch(undefined),
      }),
    ],
    z.unknown(),
  ),
});

/** RabbitMQ's reasons in plain words. */
const BROKER_REASONS: Readonly<Record<string, string>> = {
  delivery_limit: 'delivery limit reached',
  rejected: 'rejected by its consumer',
  expired: 'expired in its queue',
  maxlen: 'its queue was full',
};

function readFailure(headers: Record<string, unknown>): Failure {
  const ours = consumerHeaders.safeParse(headers);
  if (ours.success) {
    const { deadLetterReason, firstFailedAt, lastFailedAt, attempts } = ours.data;
    return defined({ deadLetterReason, attempts, firstFailedAt, lastFailedAt });
  }
  const brokers = brokerHeaders.safeParse(headers);
  if (!brokers.success) return { deadLetterReason: 'no reason given', attempts: 0 };
  const [{ reason, count, time }] = brokers.data['x-death'];
  const at = time && new Date(time.value * 1_000);
  return defined({
    deadLetterReason: BROKER_REASONS[reason] ?? `dead-lettered by the broker: ${reason}`,
    attempts: count,
    firstFailedAt: at,
    lastFailedAt: at,
  });
}

const bodySchema = z.object({ orderId: orderIdSchema });

/** The order that the message is about: by its body, else by the request ID that it carries. */
function readOrderId({ content, messageId, correlationId }: IncomingMessage): string | undefined {
  try {
    // What is larger is no message of ours, and takes seconds to read.
    const text = content.length > CONTENT_MAX_BYTES ? '' : content.toString('utf8');
    const body = bodySchema.safeParse(JSON.parse(text));
    if (body.success) return body.data.orderId;
  } catch {
    // Not JSON.
  }
  const requestId = REQUEST_ID.exec(messageId) ?? REQUEST_ID.exec(correlationId ?? '');
  return requestId?.[1];
}

/** `<orderId>.<n>` or `<orderId>.withdrawal`. */
const REQUEST_ID = /^([A-Za-z0-9_-]{1,64})\.(?:[1-9]\d*|withdrawal)$/;

function isRequestOfOurs({ type, appId, sourceQueue }: NewDeadLetter): boolean {
  return (
    appId === APP_IDS.orderDispatch &&
    sourceQueue === QUEUES.dispatchRequests &&
    (type === DISPATCH_REQUEST_TYPE || type === WITHDRAWAL_TYPE)
  );
}

/** Tells whichever workflow of the order runs that nobody will answer this request. */
async function tellWorkflows(
  temporal: Client,
  { orderId, messageId: requestId }: NewDeadLetter,
): Promise<void> {
  if (orderId === undefined) return;
  const told: RequestDeadLettered = { requestId };
  const signal = SIGNALS.requestDeadLettered;
  await temporal.withDeadline(Date.now() + SIGNAL_WITHIN_MS, () =>
    Promise.all(
      workflowIdsOf(orderId).map((workflowId) =>
        signalIfRunning(temporal, { workflowId, signal, argument: told }),
      ),
    ),
  );
}

/** PostgreSQL stores no NUL in text or JSON, and JSON holds no big integer: neither may stop the drain. */
function storable<Value>(value: Value): Value {
  const json = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? String(part) : part,
  );
  // An escape, not the text of one: it follows an even number of backslashes.
  return JSON.parse(json.replace(/(?<!\\)((?:\\\\)*)\\u0000/g, '$1\\ufffd')) as Value;
}
