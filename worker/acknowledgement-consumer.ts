import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
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

/** Acknowledgements under way at once: after an outage most of them wait for their turn to be told. */
const PREFETCH = 500;

/** How many of them are recorded at once; those that wait for their turn hold none of these up. */
const RECORDED_AT_ONCE = 50;

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
  /** Resolves when another workflow may be told, or the signal aborts. */
  turnToTell?: (closing: AbortSignal) => Promise<void>;
}): Promise<StartedConsumer> {
  const { amqpUrl, database, temporal, quickPath, publisher, log, pauses, turnToTell } = options;
  const done = new WeakMap<IncomingMessage, RecordedAcknowledgement>();
  const told = new NewestKeys(REMEMBERED);
  const recording = pLimit(RECORDED_AT_ONCE);
  const closing = new AbortController();

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

  const consumer = await startConsumer({
    url: amqpUrl,
    name: 'worker consume',
    queues: [QUEUES.acknowledgements],
    homeQueue: { deadLetterQueue: deadLetterQueueOf(QUEUES.acknowledgements) },
    prefetch: PREFETCH,
    log,
    publisher,
    faultOf: (error) => {
      // It was still waiting for its turn when the process was told to stop.
      if (closing.signal.aborted) return 'infrastructure';
      return databaseFaultOf(error) ?? temporalFaultOf(error) ?? 'message';
    },
    ...(pauses && { pauses }),
    handle: async (message) => {
      const acknowledgement = parseAcknowledgement(message);
      const { orderId, requestId } = acknowledgement;
      // Once for each delivery: what is tried again after this must not fill the ledger.
      const before = done.get(message);
      const recorded =
        before ??
        (await recording(() =>
          recordAcknowledgement(database, message.messageId, acknowledgement),
        ));
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
        await turnToTell?.(closing.signal);
        closing.signal.throwIfAborted();
        await signalWorkflows(orderId, signal);
      }
      if (isAcceptance) told.add(requestId);
      crashPoint('acknowledgement.beforeAck');
    },
  });
  return {
    ...consumer,
    // What waits for its turn goes back to the broker at once.
    close: () => {
      closing.abort();
      return consumer.close();
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
