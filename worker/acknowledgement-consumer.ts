import type { Client } from '@temporalio/client';
import type { QuickPath } from '../activities/quick-path';
import { recordAcknowledgement } from '../database/orders/acknowledgements';
import type { OrdersDatabase } from '../database/orders/connection';
import { isDatabaseUnavailable } from '../database/unavailable';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { MalformedMessage } from '../domain/errors';
import { ACKNOWLEDGEMENT_TYPE, acknowledgementSchema } from '../domain/messages/acknowledgement';
import type { AcknowledgedSignal } from '../domain/order-state';
import { withdrawalIdOf } from '../domain/request-id';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { SupervisedConnection } from '../messaging/connection';
import { Consumer, type RetryPauses } from '../messaging/consumer';
import { assertHomeQueue } from '../messaging/home-queue';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';
import type { Publisher } from '../messaging/publisher';
import { assertTopology } from '../messaging/topology';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { signalIfRunning, workflowIdsOf } from '../temporal/order-workflows';
import { startReconcileOrder } from '../temporal/start-workflows';
import { isTemporalUnavailable } from '../temporal/unavailable';

/** Acknowledgements under way at once. */
const PREFETCH = 50;

/** A running acknowledgement consumer. */
export interface AcknowledgementConsumer {
  /** The key by which answers reach this process; `undefined` while it has no home queue. */
  replyKey: () => string | undefined;
  ready: () => boolean;
  close: () => Promise<void>;
}

/**
 * Starts to consume this process's home queue and the shared queue: each answer is recorded by one
 * statement, then told to whoever waits for it, and only then acked.
 */
export async function startAcknowledgementConsumer(options: {
  amqpUrl: string;
  database: OrdersDatabase;
  temporal: Client;
  quickPath: QuickPath;
  publisher: Publisher;
  log: Logger;
  pauses?: RetryPauses;
}): Promise<AcknowledgementConsumer> {
  const { amqpUrl, database, temporal, quickPath, publisher, log, pauses } = options;
  let replyKey: string | undefined;
  const done = new WeakMap<IncomingMessage, AcknowledgedSignal>();

  const consumer = new Consumer({
    log,
    publisher,
    isInfrastructureFailure: (error) =>
      isDatabaseUnavailable(error) || isTemporalUnavailable(error),
    ...(pauses && { pauses }),
    handle: async (message) => {
      const acknowledgement = parseAcknowledgement(message);
      const { orderId, requestId } = acknowledgement;
      // Once for each delivery: what is tried again after this must not fill the ledger.
      const recorded =
        done.get(message) ??
        (await recordAcknowledgement(database, message.messageId, acknowledgement));
      done.set(message, recorded);
      crashPoint('acknowledgement.afterCommit');
      const { class: trigger, order } = recorded;
      const { outcome } = acknowledgement;
      const facts = { orderId, requestId, outcome, class: trigger, status: order?.status };
      if (trigger === 'late' || trigger === 'conflicting') {
        log.error(facts, 'the databases disagree: an answer cannot be applied');
        const provenance = message.messageId;
        await startReconcileOrder(temporal, { orderId, trigger, provenance });
      } else log.info(facts, 'acknowledged');
      if (!quickPath.tell(orderId, recorded)) await signalWorkflows(orderId, recorded);
    },
  });

  const signalWorkflows = async (orderId: string, recorded: AcknowledgedSignal) => {
    const told = await Promise.all(
      whoMayWait(orderId, recorded).map((workflowId) =>
        signalIfRunning(temporal, {
          workflowId,
          signal: SIGNALS.acknowledged,
          argument: recorded,
        }),
      ),
    );
    const status = recorded.order?.status;
    if (told.includes(true) || status === 'dispatched' || status === 'cancelled') return;
    log.warn({ orderId, status }, 'no workflow waits for this answer');
  };

  const connection = await SupervisedConnection.open({
    url: amqpUrl,
    name: 'worker consume',
    log,
    lost: () => (replyKey = undefined),
    setup: async (link) => {
      const channel = await link.channel();
      await assertTopology(channel);
      await channel.prefetch(PREFETCH);
      const homeQueue = await assertHomeQueue(channel);
      // A home queue dies with its connection: its dead letters go where they can stay.
      const deadLetterQueue = deadLetterQueueOf(QUEUES.acknowledgements);
      await consumer.consume(channel, { queue: homeQueue, deadLetterQueue });
      await consumer.consume(channel, { queue: QUEUES.acknowledgements });
      replyKey = homeQueue;
    },
  });

  return {
    replyKey: () => replyKey,
    ready: () => connection.available && !consumer.paused,
    close: async () => {
      await consumer.stop();
      await connection.close();
    },
  };
}

/** A request is waited for by one workflow; the withdrawal by whichever takes the order back. */
function whoMayWait(orderId: string, { answer }: AcknowledgedSignal): string[] {
  if (answer.requestId !== withdrawalIdOf(orderId)) return [dispatchOrderWorkflowId(orderId)];
  return workflowIdsOf(orderId);
}

function parseAcknowledgement(message: IncomingMessage) {
  if (message.type !== ACKNOWLEDGEMENT_TYPE) {
    throw new MalformedMessage(`unknown message type '${message.type}'`);
  }
  return parseBody(message, acknowledgementSchema);
}
