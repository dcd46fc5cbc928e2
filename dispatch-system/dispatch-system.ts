import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openDispatchDatabase } from '../database/dispatch/connection';
import { pendingMigrations } from '../database/migrate';
import { databaseFaultOf } from '../database/fault';
import { QUEUES } from '../domain/amqp-names';
import { InvalidConfiguration, MalformedMessage } from '../domain/errors';
import { DISPATCH_REQUEST_TYPE, dispatchRequestSchema } from '../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE, withdrawalSchema } from '../domain/messages/withdrawal';
import type { RetryPauses } from '../messaging/consumer';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';
import { acknowledgementMessage } from '../messaging/messages';
import { Publisher } from '../messaging/publisher';
import { startConsumer } from '../messaging/start-consumer';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { answerRequest, answerWithdrawal, type CommittedAnswer } from './answer';
import type { Decide } from './decide';

/** Messages under way at once; also the pool's size, since each holds a transaction. */
const PREFETCH = 20;

/** How long a message waits for another of the same order, in ms; then it is tried again. */
const LOCK_TIMEOUT_MS = 5_000;

/** How long a decision may take while its transaction is open, in ms; then it is made again. */
const DECISION_TIMEOUT_MS = 30_000;

/** A running dispatch system. */
export interface DispatchSystem {
  /** Whether it consumes and can answer. */
  ready: () => boolean;
  /** Finishes what is under way and closes its connections. */
  close: () => Promise<void>;
}

/**
 * Starts the reference dispatch system: small, but whole. It consumes `dispatch.requests`, decides in
 * its own database, answers, and only then acks.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached; {@link InvalidConfiguration} where the
 * dispatch database is not migrated, with the command that mends it.
 */
export async function startDispatchSystem(options: {
  amqpUrl: string;
  databaseUrl: string;
  decide: Decide;
  log: Logger;
  pauses?: RetryPauses;
}): Promise<DispatchSystem> {
  const { amqpUrl, databaseUrl, decide, log, pauses } = options;
  await checkMigrations(databaseUrl);
  const database = openDispatchDatabase({
    url: databaseUrl,
    maximumConnections: PREFETCH,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    idleInTransactionTimeoutMs: DECISION_TIMEOUT_MS,
  });
  const publisher = await Publisher.open({ url: amqpUrl, name: 'dispatch-system publish', log });

  const closing = new AbortController();
  setMaxListeners(PREFETCH, closing.signal);
  const answerTo = (message: IncomingMessage): Promise<CommittedAnswer> => {
    switch (message.type) {
      case DISPATCH_REQUEST_TYPE:
        return answerRequest(database, decide, parseBody(message, dispatchRequestSchema));
      case WITHDRAWAL_TYPE:
        return answerWithdrawal(database, decide, parseBody(message, withdrawalSchema));
      default:
        throw new MalformedMessage(`unknown message type '${message.type}'`);
    }
  };
  const consumer = await startConsumer({
    url: amqpUrl,
    name: 'dispatch-system consume',
    queues: [QUEUES.dispatchRequests],
    prefetch: PREFETCH,
    log,
    publisher,
    faultOf: (error) => databaseFaultOf(error) ?? 'message',
    ...(pauses && { pauses }),
    handle: async (message) => {
      const committed = await answerTo(message);
      crashPoint('dispatchSystem.afterCommit');
      if (!committed) return;
      const { answer, answerAfterMs = 0 } = committed;
      if (answerAfterMs > 0) await delay(answerAfterMs, undefined, { signal: closing.signal });
      await publisher.publish(acknowledgementMessage(answer, message));
      crashPoint('dispatchSystem.afterAnswer');
      log.info(
        { orderId: answer.orderId, requestId: answer.requestId, outcome: answer.outcome },
        'answered',
      );
    },
  }).catch(async (error: unknown) => {
    await publisher.close();
    await database.close();
    throw error;
  });
  return {
    ready: () => consumer.ready() && publisher.available,
    close: async () => {
      closing.abort();
      await consumer.close();
      await publisher.close();
      await database.close();
    },
  };
}

async function checkMigrations(url: string): Promise<void> {
  const pending = await pendingMigrations({ url, schema: 'dispatch' });
  if (pending.length === 0) return;
  throw new InvalidConfiguration(
    `the dispatch database lacks the migrations ${pending.join(', ')}: run \`order-dispatch setup migrate\``,
  );
}
