import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { createMainActivities, createRequestActivities } from '../activities';
import { failuresWithoutPersonalData } from '../activities/failures';
import { QuickPath } from '../activities/quick-path';
import { OrderDispatchClient } from '../client/order-dispatch-client';
import { openOrdersDatabase } from '../database/orders/connection';
import {
  DEFAULT_POLICY,
  effectivePolicy,
  parsePolicyOverrides,
  type PolicyOverrides,
} from '../domain/policy';
import { TASK_QUEUES } from '../domain/temporal-names';
import type { RetryPauses } from '../messaging/consumer';
import { Publisher } from '../messaging/publisher';
import { createLogger, type Logger } from '../runtime/logger';
import { startAcknowledgementConsumer } from './acknowledgement-consumer';
import { checkWorkerPrerequisites } from './worker-prerequisites';
import { workflowBundlePath } from './workflow-bundle';
import { defined } from '../domain/defined';
import { refuseUnknownOptions } from '../domain/known-options';

/** What {@link createOrderDispatchWorker} needs. */
export interface OrderDispatchWorkerOptions {
  /** The connection that the worker, and the client that comes with it, share. You close it. */
  connection: NativeConnection;
  /** @default 'default' */
  namespace?: string;
  /** A codec that encrypts payloads. Custom payload converters are not supported. */
  dataConverter?: Pick<DataConverter, 'payloadCodecs'>;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  /** What differs from the default policy, for orders that do not say otherwise. */
  policy?: PolicyOverrides;
  /** @default JSON lines on stderr, from level info */
  log?: Logger;
  /** Workflow tasks at once; half of them may wait in the quick path. @default 150 */
  maximumWorkflowTasks?: number;
  /** Requests being published at once; while the broker is away, each holds its slot. @default 500 */
  maximumRequests?: number;
  /** Connections to the order database. @default 20 */
  maximumDatabaseConnections?: number;
}

const WORKER_OPTIONS: Record<keyof OrderDispatchWorkerOptions, true> = {
  connection: true,
  namespace: true,
  dataConverter: true,
  amqpUrl: true,
  ordersDatabaseUrl: true,
  policy: true,
  log: true,
  maximumWorkflowTasks: true,
  maximumRequests: true,
  maximumDatabaseConnections: true,
};

/** A worker that dispatches orders; see {@link createOrderDispatchWorker}. */
export interface OrderDispatchWorker {
  /**
   * A client on the worker's own connection. Orders that it places start eagerly: this process gets
   * the first workflow task with the answer to the start, and no queue is in between.
   */
  client: OrderDispatchClient;
  /** Whether orders can take the quick path: RabbitMQ answers and nothing is paused. */
  ready: () => boolean;
  /** Rejects if the worker fails and cannot go on. */
  failed: Promise<never>;
  /** Drains the worker, then the acknowledgement consumer, then closes the connections. */
  close: () => Promise<void>;
}

/**
 * {@link createOrderDispatchWorker}, with what only tests set.
 *
 * @param seams.pauses between tries of the acknowledgement consumer.
 */
export async function startWorker(
  options: OrderDispatchWorkerOptions,
  seams: { pauses?: RetryPauses } = {},
): Promise<OrderDispatchWorker> {
  refuseUnknownOptions('createOrderDispatchWorker', options, WORKER_OPTIONS);
  const { connection, namespace = 'default', dataConverter, amqpUrl, ordersDatabaseUrl } = options;
  const { log = createLogger({ process: 'worker', level: 'info' }) } = options;
  const { maximumWorkflowTasks = 150, maximumRequests = 500 } = options;
  const defaultPolicy = effectivePolicy(DEFAULT_POLICY, parsePolicyOverrides(options.policy ?? {}));
  await checkWorkerPrerequisites({ connection, namespace, ordersDatabaseUrl });

  const connected = defined({ connection, namespace, dataConverter });
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const database = openOrdersDatabase({
      url: ordersDatabaseUrl,
      maximumConnections: options.maximumDatabaseConnections ?? 20,
    });
    opened.push(() => database.close());
    const publisher = await Publisher.open({ url: amqpUrl, name: 'worker publish', log });
    opened.push(() => publisher.close());

    const temporal = new Client(connected);
    const quickPath = new QuickPath(Math.floor(maximumWorkflowTasks / 2));
    const consumer = await startAcknowledgementConsumer({
      amqpUrl,
      database,
      temporal,
      quickPath,
      publisher,
      log,
      ...seams,
    });
    opened.push(() => consumer.close());

    const dependencies = {
      database,
      publisher,
      quickPath,
      defaultPolicy,
      temporal,
      replyKey: consumer.replyKey,
    };
    const shared = {
      ...connected,
      interceptors: { activity: [failuresWithoutPersonalData] },
    };
    const workers = await Promise.all([
      Worker.create({
        ...shared,
        taskQueue: TASK_QUEUES.main,
        workflowBundle: { codePath: workflowBundlePath() },
        activities: createMainActivities(dependencies),
        maxConcurrentWorkflowTaskExecutions: maximumWorkflowTasks,
        // Some 0.4 MB each. An order that waits for a person is replayed when somebody decides.
        maxCachedWorkflows: 2 * maximumWorkflowTasks,
        shutdownGraceTime: '5s',
        // How long a workflow waits for the worker that has it cached, before any other takes it.
        stickyQueueScheduleToStartTimeout: '5s',
      }),
      Worker.create({
        ...shared,
        taskQueue: TASK_QUEUES.requests,
        activities: createRequestActivities(dependencies),
        maxConcurrentActivityTaskExecutions: maximumRequests,
        // A request that waits for the broker fails then, to be tried by another worker.
        shutdownGraceTime: '1s',
      }),
    ]);
    const runs = workers.map((worker) => worker.run());
    // `run` also resolves when the worker was told to shut down: that is no failure.
    const failed = Promise.race(runs.map((run) => run.then(() => new Promise<never>(() => {}))));
    failed.catch(() => {});
    opened.push(async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    });
    return {
      client: new OrderDispatchClient({ ...connected, eagerStart: true }),
      ready: () => publisher.available && consumer.ready(),
      failed,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * Starts a worker: the workflows, their activities, and the acknowledgement consumer. An order service
 * can embed it, and then places orders with its `client`.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached; InvalidConfiguration where there is
 * no such option, or where a search attribute or a migration is missing, with the command that mends it.
 */
export function createOrderDispatchWorker(
  options: OrderDispatchWorkerOptions,
): Promise<OrderDispatchWorker> {
  return startWorker(options);
}
