import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { openDispatchView } from '../database/dispatch/dispatch-view';
import { openOrdersDatabase } from '../database/orders/connection';
import { TASK_QUEUES } from '../domain/temporal-names';
import type { RetryPauses } from '../messaging/consumer';
import { Publisher } from '../messaging/publisher';
import type { Logger } from '../runtime/logger';
import { createSupplementActivities } from './activities';
import { CopyLag } from './copy-lag';
import { startDeadLetterDrain } from './dead-letter-drain';
import { checkSupplementPrerequisites } from './supplement-prerequisites';
import { startRequestConsumer } from './request-consumer';
import { defined } from '../domain/defined';

/** What {@link startSupplementSystem} needs. */
export interface SupplementSystemOptions {
  /** The connection that the supplement system uses. You close it. */
  connection: NativeConnection;
  namespace: string;
  /** The same codec as the worker's, where payloads are encrypted. */
  dataConverter?: Pick<DataConverter, 'payloadCodecs'>;
  amqpUrl: string;
  /** RabbitMQ's management API: without it, bindings and alarms are not checked. */
  rabbitmqManagementUrl?: string;
  ordersDatabaseUrl: string;
  /** Any database that offers the view `order_dispatch_dispatches_v1`; only read. */
  dispatchDatabaseUrl: string;
  /** How old a request must be before it is looked at, in ms. */
  graceMs: number;
  log: Logger;
  /** Pauses between tries of its consumers. */
  pauses?: RetryPauses;
}

/** A running supplement system. */
export interface SupplementSystem {
  /** Whether it compares: RabbitMQ answers and nothing is paused. */
  ready: () => boolean;
  /** Rejects if its worker fails and cannot go on. */
  failed: Promise<never>;
  /** Finishes what is under way, without waiting for the grace, and closes its connections. */
  close: () => Promise<void>;
}

/**
 * Starts the supplement system. It compares the two databases for every request that went out and has
 * `reconcileOrder` put right what is not; it answers workflows that ask what the dispatch database
 * says; and it drains the dead-letter queues, its own too, to where people see them.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached; DatabaseUnavailable, MigrationFailed or
 * InvalidConfiguration where a database, a migration, the view or the namespace is missing, with what
 * mends it.
 */
export async function startSupplementSystem(
  options: SupplementSystemOptions,
): Promise<SupplementSystem> {
  const { connection, namespace, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, log } = options;
  const { rabbitmqManagementUrl } = options;
  const { graceMs, pauses, dataConverter } = options;
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const dispatchView = openDispatchView({ url: dispatchDatabaseUrl });
    opened.push(() => dispatchView.close());
    await checkSupplementPrerequisites({ ...options, dispatchView });
    const orders = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 4 });
    opened.push(() => orders.close());
    const publisher = await Publisher.open({ url: amqpUrl, name: 'supplement publish', log });
    opened.push(() => publisher.close());
    const connected = defined({ connection, namespace, dataConverter });
    const temporal = new Client({ ...connected });
    const lag = new CopyLag();

    const worker = await Worker.create({
      ...connected,
      taskQueue: TASK_QUEUES.supplement,
      activities: createSupplementActivities({
        orders,
        ordersDatabaseUrl,
        dispatchView,
        amqpUrl,
        temporal,
        copyLagMs: () => lag.recent(),
        publisher,
        log,
        ...defined({ rabbitmqManagementUrl }),
      }),
      maxConcurrentActivityTaskExecutions: 20,
      shutdownGraceTime: '5s',
    });
    const run = worker.run();
    // `run` also resolves when the worker was told to shut down: that is no failure.
    const failed = run.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    opened.push(async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled([run]);
    });

    const shared = { amqpUrl, temporal, publisher, log, ...(pauses && { pauses }) };
    const requests = await startRequestConsumer({ ...shared, orders, dispatchView, graceMs, lag });
    opened.push(() => requests.close());
    const deadLetters = await startDeadLetterDrain({ ...shared, database: orders });
    opened.push(() => deadLetters.close());
    return {
      ready: () => publisher.available && requests.ready() && deadLetters.ready(),
      failed,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
