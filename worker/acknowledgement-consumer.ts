import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { QuickPath } from '../activities/quick-path';
import { recordAcknowledgement } from '../database/orders/acknowledgements';
import type { OrdersDatabase } from '../database/orders/connection';
import { isDatabaseUnavailable } from '../database/unavailable';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { MalformedMessage } from '../domain/errors';
import { ACKNOWLEDGEMENT_TYPE, acknowledgementSchema } from '../domain/messages/acknowledgement';
import type { AcknowledgedSignal } from '../domain/order-state';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { SupervisedConnection } from '../messaging/connection';
import { Consumer, type RetryPauses } from '../messaging/consumer';
import { assertHomeQueue } from '../messaging/home-queue';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';
import type { Publisher } from '../messaging/publisher';
import { assertTopology } from '../messaging/topology';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { isTemporalUnavailable } from '../client/temporal-unavailable';

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

  const consumer = new Consumer({
    log,
    publisher,
    isInfrastructureFailure: (error) =>
      isDatabaseUnavailable(error) || isTemporalUnavailable(error),
    ...(pauses && { pauses }),
    handle: async (message) => {
      const acknowledgement = parseAcknowledgement(message);
      const { orderId, requestId } = acknowledgement;
      const recorded = await recordAcknowledgement(database, message.messageId, acknowledgement);
      crashPoint('acknowledgement.afterCommit');
      const isAlarming = recorded.class === 'late' || recorded.class === 'conflicting';
      const { outcome } = acknowledgement;
      log[isAlarming ? 'error' : 'info'](
        { orderId, requestId, outcome, class: recorded.class, status: recorded.order?.status },
        isAlarming ? 'the databases disagree: an answer cannot be applied' : 'acknowledged',
      );
      if (!quickPath.tell(orderId, recorded)) await signalWorkflow(orderId, recorded);
    },
  });

  const signalWorkflow = async (orderId: string, recorded: AcknowledgedSignal) => {
    try {
      await temporal.workflow
        .getHandle(dispatchOrderWorkflowId(orderId))
        .signal(SIGNALS.acknowledged, recorded);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const status = recorded.order?.status;
      if (status === 'dispatched' || status === 'cancelled') return;
      log.warn({ orderId, status }, 'no workflow waits for this answer');
    }
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

function parseAcknowledgement(message: IncomingMessage) {
  if (message.type !== ACKNOWLEDGEMENT_TYPE) {
    throw new MalformedMessage(`unknown message type '${message.type}'`);
  }
  return parseBody(message, acknowledgementSchema);
}
