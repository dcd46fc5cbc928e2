import type { Client } from '@temporalio/client';
import type { QuickPath } from '../activities/quick-path';
import {
  recordAcknowledgement,
  type RecordedAcknowledgement,
} from '../database/orders/acknowledgements';
import type { OrdersDatabase } from '../database/orders/connection';
import { databaseFaultOf } from '../database/fault';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { MalformedMessage } from '../domain/errors';
import { ACKNOWLEDGEMENT_TYPE, acknowledgementSchema } from '../domain/messages/acknowledgement';
import type { AcknowledgedSignal } from '../domain/workflow-contract';
import { withdrawalIdOf } from '../domain/request-id';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import type { RetryPauses } from '../messaging/consumer';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';
import type { Publisher } from '../messaging/publisher';
import { startConsumer, type StartedConsumer } from '../messaging/start-consumer';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { acknowledgements } from '../runtime/metrics';
import { signalIfRunning, workflowIdsOf } from '../temporal/order-workflows';
import { startReconcileOrder } from '../temporal/start-workflows';
import { temporalFaultOf } from '../temporal/fault';
import { NewestKeys } from './newest-keys';

/** Acknowledgements under way at once. */
const PREFETCH = 50;

/** Acceptances that are known to be told. After an outage an order has as many answers as attempts. */
const REMEMBERED = 10_000;

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
  /** Called once an answer is recorded: others may have to be told of it. */
  recorded?: () => void;
  /** Resolves when another workflow may be told. */
  turnToTell?: () => Promise<void>;
}): Promise<StartedConsumer> {
  const { amqpUrl, database, temporal, quickPath, publisher, log, pauses, turnToTell } = options;
  const done = new WeakMap<IncomingMessage, RecordedAcknowledgement>();
  const told = new NewestKeys(REMEMBERED);

  const signalWorkflows = async (orderId: string, recorded: AcknowledgedSignal) => {
    const heard = await Promise.all(
      whoMayWait(orderId, recorded).map((workflowId) =>
        signalIfRunning(temporal, {
          workflowId,
          signal: SIGNALS.acknowledged,
          argument: recorded,
        }),
      ),
    );
    const status = recorded.order?.status;
    if (heard.includes(true) || status === 'dispatched' || status === 'cancelled') return;
    log.warn({ orderId, status }, 'no workflow waits for this answer');
  };

  return startConsumer({
    url: amqpUrl,
    name: 'worker consume',
    queues: [QUEUES.acknowledgements],
    homeQueue: { deadLetterQueue: deadLetterQueueOf(QUEUES.acknowledgements) },
    prefetch: PREFETCH,
    log,
    publisher,
    faultOf: (error) => databaseFaultOf(error) ?? temporalFaultOf(error) ?? 'message',
    ...(pauses && { pauses }),
    handle: async (message) => {
      const acknowledgement = parseAcknowledgement(message);
      const { orderId, requestId } = acknowledgement;
      // Once for each delivery: what is tried again after this must not fill the ledger.
      const before = done.get(message);
      const recorded =
        before ?? (await recordAcknowledgement(database, message.messageId, acknowledgement));
      done.set(message, recorded);
      const { signal, hasMoved } = recorded;
      if (!before) acknowledgements.inc({ class: signal.class });
      crashPoint('acknowledgement.afterCommit');
      options.recorded?.();
      const { class: trigger, order } = signal;
      const { outcome } = acknowledgement;
      const facts = { orderId, requestId, outcome, class: trigger, status: order?.status };
      if (trigger === 'late' || trigger === 'conflicting') {
        log.error(facts, 'the databases disagree: an answer cannot be applied');
        const provenance = message.messageId;
        await startReconcileOrder(temporal, { orderId, trigger, provenance });
      } else log.info(facts, 'acknowledged');
      // An order's row that was lost and came back is told of its old acceptance once more.
      const isAcceptance = outcome === 'accepted' && order?.status === 'dispatched';
      if (isAcceptance && !hasMoved && trigger === 'duplicate' && told.has(requestId)) return;
      if (!quickPath.tell(orderId, signal)) {
        await turnToTell?.();
        await signalWorkflows(orderId, signal);
      }
      if (isAcceptance) told.add(requestId);
      crashPoint('acknowledgement.beforeAck');
    },
  });
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
