import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { z } from 'zod';
import { createMainActivities, createRequestActivities } from '../activities';
import { failuresWithoutPersonalData } from '../activities/failures';
import { QuickPath } from '../activities/quick-path';
import { OrderDispatchClient } from '../client/order-dispatch-client';
import { translateError } from '../client/translate-error';
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
import { resolveWorkerVersion, type WorkerVersion } from '../runtime/worker-version';
import { workflowTaskBacklog } from '../temporal/task-queue';
import { FirstTasks } from './first-tasks';
import { paceTelling } from './telling-pace';
import { startOutcomeEventRelay, type RelayedEvents, type RelayPolls } from './outcome-event-relay';
import { startAcknowledgementConsumer } from './acknowledgement-consumer';
import { checkWorkerPrerequisites } from './worker-prerequisites';
import { warnUnlessRouted, workerDeploymentOptions, workerVersionOption } from './worker-version';
import { workflowBundlePath } from './workflow-bundle';
import { defined } from '../domain/defined';
import {
  amqpUrlOption,
  anyOption,
  checkOptions,
  countOption,
  namespaceOption,
  postgresUrlOption,
  type OptionsShape,
} from '../domain/options';

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
  /**
   * Makes the worker a version of a worker deployment: it gets orders once that version is made
   * current, or ramps. `{}` takes the defaults. @default no version: it gets orders at once
   */
  version?: WorkerVersion;
  /** @default JSON lines on stderr, from level info */
  log?: Logger;
  /** Workflow tasks at once; half of them may wait in the quick path. @default 150 */
  maximumWorkflowTasks?: number;
  /** Requests being published at once; while the broker is away, each holds its slot. @default 500 */
  maximumRequests?: number;
  /** Connections to the order database. @default 20 */
  maximumDatabaseConnections?: number;
}

const WORKER_OPTIONS: OptionsShape<OrderDispatchWorkerOptions> = {
  connection: z.custom((given) => given instanceof NativeConnection, {
    error: 'must be a NativeConnection',
  }),
  namespace: namespaceOption.optional(),
  dataConverter: anyOption,
  amqpUrl: amqpUrlOption,
  ordersDatabaseUrl: postgresUrlOption,
  policy: anyOption,
  version: workerVersionOption.optional(),
  log: anyOption,
  maximumWorkflowTasks: z.int().min(2).optional(),
  maximumRequests: countOption.optional(),
  maximumDatabaseConnections: countOption.optional(),
};

/** A worker that dispatches orders; see {@link createOrderDispatchWorker}. */
export interface OrderDispatchWorker {
  /**
   * A client on the worker's own connection. Orders that it places start eagerly: this process gets
   * the first workflow task with the answer to the start, and no queue is in between. Not so where the
   * worker has a version: then Temporal decides which version an order goes to.
   */
  client: OrderDispatchClient;
  /** Whether orders can take the quick path: RabbitMQ answers and nothing is paused. */
  ready: () => boolean;
  /** What this worker published to `order-dispatch.events` since it started. */
  relayedEvents: () => RelayedEvents;
  /** Rejects if the worker fails and cannot go on. */
  failed: Promise<never>;
  /** Drains the worker, the acknowledgement consumer and the relay, then closes the connections. */
  close: () => Promise<void>;
}

/**
 * {@link createOrderDispatchWorker}, with what only tests set.
 *
 * @param seams.pauses between tries of the acknowledgement consumer.
 * @param seams.relayPolls how often events are looked for.
 */
export async function startWorker(
  options: OrderDispatchWorkerOptions,
  seams: { pauses?: RetryPauses; relayPolls?: RelayPolls } = {},
): Promise<OrderDispatchWorker> {
  checkOptions('createOrderDispatchWorker', options, WORKER_OPTIONS);
  const { connection, namespace = 'default', dataConverter, amqpUrl, ordersDatabaseUrl } = options;
  const { log = createLogger({ process: 'worker', level: 'info' }) } = options;
  const { maximumWorkflowTasks = 150, maximumRequests = 500 } = options;
  const defaultPolicy = effectivePolicy(DEFAULT_POLICY, parsePolicyOverrides(options.policy ?? {}));

  const version = options.version && resolveWorkerVersion(options.version);
  const connected = defined({ connection, namespace, dataConverter });
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    await checkWorkerPrerequisites({ connection, namespace, ordersDatabaseUrl, log });
    const database = openOrdersDatabase({
      url: ordersDatabaseUrl,
      maximumConnections: options.maximumDatabaseConnections ?? 20,
    });
    opened.push(() => database.close());
    const publisher = await Publisher.open({ url: amqpUrl, name: 'worker publish', log });
    opened.push(() => publisher.close());
    const relay = startOutcomeEventRelay({
      ...{ database, publisher, log },
      ...defined({ polls: seams.relayPolls }),
    });
    opened.push(() => relay.close());

    const temporal = new Client({ ...connected });
    const quickPath = new QuickPath(Math.floor(maximumWorkflowTasks / 2));
    const firstTasks = new FirstTasks();
    const workers: Worker[] = [];
    const consumer = await startAcknowledgementConsumer({
      amqpUrl,
      database,
      temporal,
      quickPath,
      publisher,
      log,
      recorded: relay.wake,
      turnToTell: paceTelling(async () => {
        if (firstTasks.areLate()) return true;
        const inFlight = workers[0]?.getStatus().numInFlightWorkflowActivations ?? 0;
        return inFlight > 4 || (await workflowTaskBacklog(temporal, namespace)) > 1;
      }),
      ...defined({ pauses: seams.pauses }),
    });
    opened.push(() => consumer.close());

    const dependencies = {
      database,
      publisher,
      quickPath,
      defaultPolicy,
      temporal,
      sawFirstTask: (waitedMs: number) => firstTasks.saw(waitedMs),
      replyKey: consumer.replyKey,
    };
    const shared = {
      ...connected,
      ...(version && { workerDeploymentOptions: workerDeploymentOptions(version) }),
      interceptors: { activity: [failuresWithoutPersonalData] },
    };
    const runs: Promise<void>[] = [];
    opened.push(async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    });
    // At once, since only a worker that runs can be shut down where the next one cannot be made.
    const run = async (own: Omit<WorkerOptions, keyof typeof shared>) => {
      const worker = await Worker.create({ ...shared, ...own });
      workers.push(worker);
      runs.push(worker.run());
    };
    await run({
      taskQueue: TASK_QUEUES.main,
      workflowBundle: { codePath: workflowBundlePath() },
      activities: createMainActivities(dependencies),
      maxConcurrentWorkflowTaskExecutions: maximumWorkflowTasks,
      // Some 0.4 MB each. An order that waits for a person is replayed when somebody decides.
      maxCachedWorkflows: 2 * maximumWorkflowTasks,
      shutdownGraceTime: '5s',
      // How long a workflow waits for the worker that has it cached, before any other takes it.
      stickyQueueScheduleToStartTimeout: '5s',
    });
    await run({
      taskQueue: TASK_QUEUES.requests,
      activities: createRequestActivities(dependencies),
      maxConcurrentActivityTaskExecutions: maximumRequests,
      // A request that waits for the broker fails then, to be tried by another worker.
      shutdownGraceTime: '1s',
    });
    if (version) await warnUnlessRouted({ temporal, namespace, version, log });
    // `run` also resolves when the worker was told to shut down: that is no failure.
    const failed = Promise.race(runs.map((run) => run.then(() => new Promise<never>(() => {}))));
    failed.catch(() => {});
    return {
      // An eager start goes to this worker, whichever version is current or ramps.
      client: new OrderDispatchClient({ ...connected, eagerStart: !version }),
      ready: () => publisher.available && consumer.ready(),
      relayedEvents: relay.counts,
      failed,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw translateError(error);
  }
}

/**
 * Starts a worker: the workflows, their activities, and the acknowledgement consumer. An order service
 * can embed it, and then places orders with its `client`.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached; InvalidConfiguration where an
 * option is not known, missing or wrong, and where a search attribute or a migration is missing, with the
 * command that mends it.
 */
export function createOrderDispatchWorker(
  options: OrderDispatchWorkerOptions,
): Promise<OrderDispatchWorker> {
  return startWorker(options);
}
