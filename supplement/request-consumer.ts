import type { Client } from '@temporalio/client';
import { temporalFaultOf } from '../temporal/fault';
import type { DispatchView } from '../database/dispatch/dispatch-view';
import type { OrdersDatabase } from '../database/orders/connection';
import { databaseFaultOf } from '../database/fault';
import { QUEUES } from '../domain/amqp-names';
import { InvalidConfiguration } from '../domain/errors';
import type { Finding } from '../domain/reconciliation';
import type { RetryPauses } from '../messaging/consumer';
import type { Publisher } from '../messaging/publisher';
import { startConsumer, type StartedConsumer } from '../messaging/start-consumer';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { Batches } from './batches';
import { Comparison, type Suspect } from '../reconciliation/comparison';
import type { CopyLag } from './copy-lag';
import { Grace } from './grace';
import { parseRequest } from './parse-request';

/**
 * Messages held at once, most of them until the grace is over. That bounds memory, not throughput: what
 * is not delivered yet grows old in the queue.
 */
const PREFETCH = 500;

/** How long a batch waits for more, in ms. */
const BATCH_WITHIN_MS = 200;

/**
 * Starts to consume `supplement.requests`: each message waits until it is older than the grace, then
 * its order is compared in both databases, together with all that have waited long enough by then. It
 * is acked when the order is in order, or its reconciliation has been started.
 *
 * @param options.graceMs a setting of the process alone, never of a queue: queues do not change.
 */
export async function startRequestConsumer(options: {
  amqpUrl: string;
  orders: OrdersDatabase;
  dispatchView: DispatchView;
  temporal: Client;
  publisher: Publisher;
  graceMs: number;
  /** Is told how late each copy is looked at. */
  lag: CopyLag;
  log: Logger;
  pauses?: RetryPauses;
}): Promise<StartedConsumer> {
  const { amqpUrl, orders, dispatchView, temporal, publisher, graceMs, log, pauses } = options;
  const closing = new AbortController();
  const grace = new Grace(graceMs, closing.signal);
  const onStarted = ({ finding, verdict, rule }: Suspect) => {
    crashPoint('supplement.afterStart');
    const { orderId, provenance } = finding;
    log.warn({ orderId, provenance, verdict, rule }, 'the databases disagree: reconciling');
  };
  const comparisons = new Batches<Finding, Comparison>({
    maximumSize: PREFETCH,
    withinMs: BATCH_WITHIN_MS,
    work: async (findings) => {
      const both = { orders, dispatchView, temporal, onStarted };
      const comparison = await Comparison.read(findings, both);
      crashPoint('supplement.afterQueries');
      return comparison;
    },
  });

  const consumer = await startConsumer({
    url: amqpUrl,
    name: 'supplement consume',
    queues: [QUEUES.supplementRequests],
    prefetch: PREFETCH,
    log,
    publisher,
    faultOf: (error) => {
      // It was still waiting when the process was told to stop.
      if (closing.signal.aborted) return 'infrastructure';
      // The view was taken away: no message is at fault.
      if (error instanceof InvalidConfiguration) return 'infrastructure';
      return databaseFaultOf(error) ?? temporalFaultOf(error) ?? 'message';
    },
    ...(pauses && { pauses }),
    handle: async (message) => {
      const finding = parseRequest(message);
      options.lag.saw(await grace.passed(message));
      const comparison = await comparisons.add(finding);
      await comparison.reconcileIfSuspect(finding.orderId);
      crashPoint('supplement.beforeAck');
    },
  });
  return {
    ...consumer,
    // What waits for its grace goes back to the broker at once.
    close: () => {
      closing.abort();
      return consumer.close();
    },
  };
}
