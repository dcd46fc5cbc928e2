import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client as Temporal } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { Client } from 'pg';
import type { OrderDispatchClient, OrderHandle, OrderStatusView } from '../client';
import { openDispatchDatabase } from '../database/dispatch/connection';
import { openDispatchView } from '../database/dispatch/dispatch-view';
import { openOrdersDatabase } from '../database/orders/connection';
import {
  decide as referenceDecide,
  type Decide,
  type Question,
  type Reply,
} from '../dispatch-system/decide';
import { startDispatchSystem, type DispatchSystem } from '../dispatch-system/dispatch-system';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import type { Acknowledgement } from '../domain/messages/acknowledgement';
import type { Order } from '../domain/order';
import type { PolicyOverrides } from '../domain/policy';
import { requestIdOf } from '../domain/request-id';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { acknowledgementMessage, dispatchRequestMessage } from '../messaging/messages';
import { Publisher, type OutgoingMessage } from '../messaging/publisher';
import type { OperatorDatabases } from '../operations/open-databases';
import { silentLogger } from '../runtime/logger';
import { createDatabase, dropDatabase } from '../stack/servers/databases';
import { rabbitmqManagement, vhostUrl } from '../stack/servers/rabbitmq-management';
import { createNamespace } from '../stack/servers/temporal-namespace';
import { readTestStackFile, type TestStackFile } from '../stack/test-stack-file';
import { startSupplementSystem, type SupplementSystem } from '../supplement/supplement-system';
import type { RelayPolls } from '../worker/outcome-event-relay';
import { startWorker, type OrderDispatchWorker } from '../worker/worker';
import { patience } from './patience';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from './rows';

/** Whether the long tests run (`npm run test:long`): the same tests, with as many orders as an outage leaves. */
export const isLongRun = process.env['ORDER_DISPATCH_LONG_TESTS'] === 'true';

/** Short pauses, so that what is tried again is tried again soon. */
const SHORT_PAUSES = { initialMs: 50, maximumMs: 400 };

/** The servers that a test file stands on: the shared test stack's, or its own. */
export type Servers = Omit<TestStackFile, 'webUi'>;

/** A namespace, a virtual host and a pair of databases of a test file's own. */
export interface Surroundings {
  stack: Servers;
  namespace: string;
  vhost: string;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl: string;
  remove: () => Promise<void>;
}

/** Creates a test file's own surroundings on the test stack, or on servers of its own. */
export async function createSurroundings(stack: Servers = sharedServers()): Promise<Surroundings> {
  const name = `test-${randomUUID().slice(0, 8)}`;
  const management = rabbitmqManagement(stack.managementUrl);
  const [ordersDatabaseUrl, dispatchDatabaseUrl] = await Promise.all([
    createDatabase(stack.postgresUrl, `${name}-orders`, { template: 'orders_template' }),
    createDatabase(stack.postgresUrl, `${name}-dispatch`, { template: 'dispatch_template' }),
    management.createVhost(name),
    createNamespace(stack.temporalAddress, name),
  ]);
  return {
    stack,
    namespace: name,
    vhost: name,
    amqpUrl: vhostUrl(stack.amqpUrl, name),
    ordersDatabaseUrl,
    dispatchDatabaseUrl,
    remove: async () => {
      await Promise.all([
        dropDatabase(stack.postgresUrl, `${name}-orders`),
        dropDatabase(stack.postgresUrl, `${name}-dispatch`),
        management.deleteVhost(name),
      ]);
    },
  };
}

/** The shared test stack's servers. */
export function sharedServers(): Servers {
  const stack = readTestStackFile(join(__dirname, '..'));
  if (!stack) throw new Error('no test stack runs: use `npm test`, or `npm run test:stack` first');
  return stack;
}

/** The whole service in this process, on surroundings of its own. */
export interface TestBed extends Surroundings {
  worker: OrderDispatchWorker;
  client: OrderDispatchClient;
  temporal: Temporal;
  orders: OrdersRows;
  dispatches: DispatchRows;
  /** The same databases, as the service passes them to its statements. */
  databases: Required<OperatorDatabases>;
  /** Scripts how the dispatch system decides about one order. */
  script: (orderId: string, decide: Decide) => void;
  /** Waits until the dispatch system decides about a request, or about the withdrawal of a live dispatch. */
  asked: (requestId: string) => Promise<unknown>;
  startDispatchSystem: () => Promise<DispatchSystem>;
  /** Publishes an acknowledgement as a dispatch system would; it reaches the shared queue. */
  acknowledge: (
    acknowledgement: Partial<Acknowledgement> & Pick<Acknowledgement, 'requestId' | 'outcome'>,
  ) => Promise<void>;
  /** Publishes a request as the worker would. */
  publishRequest: (orderId: string, requestId: string) => Promise<void>;
  /** Publishes anything. */
  publisher: Publisher;
  dispatchSystem: DispatchSystem;
  /** Starts the supplement system; the bed closes it. */
  startSupplementSystem: (options: { graceMs: number }) => Promise<void>;
  close: () => Promise<void>;
}

let isRuntimeQuiet = false;

/** Keeps Temporal's runtime, which a test file that never speaks to it should not start, from talking. */
export function quietRuntime(): void {
  if (isRuntimeQuiet) return;
  isRuntimeQuiet = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
    shutdownSignals: [],
  });
}

/** Starts worker and dispatch system on surroundings of their own. */
export async function setup(
  options: {
    policy?: PolicyOverrides;
    servers?: Servers;
    maximumWorkflowTasks?: number;
    /** How the worker reaches the broker. @default directly */
    way?: (amqpUrl: string) => Promise<string>;
    relayPolls?: RelayPolls;
  } = {},
): Promise<TestBed> {
  const surroundings = await createSurroundings(options.servers);
  const { amqpUrl, namespace, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
  const log = silentLogger();
  quietRuntime();
  const connection = await NativeConnection.connect({
    address: surroundings.stack.temporalAddress,
  });
  const scripts = new Map<string, Decide>();
  const asked = new Set<string>();
  const decide: Decide = (question) => {
    const { orderId, requestId } = messageOf(question);
    asked.add(requestId);
    return (scripts.get(orderId) ?? referenceDecide)(question);
  };
  const startSystem = () =>
    startDispatchSystem({
      amqpUrl,
      databaseUrl: dispatchDatabaseUrl,
      decide,
      log,
      pauses: SHORT_PAUSES,
    });
  const worker = await startWorker(
    {
      connection,
      namespace,
      amqpUrl: (await options.way?.(amqpUrl)) ?? amqpUrl,
      ordersDatabaseUrl,
      log,
      ...defined({
        policy: options.policy,
        maximumWorkflowTasks: options.maximumWorkflowTasks,
      }),
    },
    { pauses: SHORT_PAUSES, ...defined({ relayPolls: options.relayPolls }) },
  );
  const dispatchSystem = await startSystem();
  const orders = openOrdersRows(ordersDatabaseUrl);
  const dispatches = openDispatchRows(dispatchDatabaseUrl);
  const databases = {
    orders: openOrdersDatabase({ url: ordersDatabaseUrl }),
    dispatch: openDispatchDatabase({ url: dispatchDatabaseUrl }),
    dispatchView: openDispatchView({ url: dispatchDatabaseUrl }),
  };
  const publisher = await Publisher.open({ url: amqpUrl, name: 'test', log });
  let supplement: SupplementSystem | undefined;
  const bed: TestBed = {
    ...surroundings,
    worker,
    publisher,
    acknowledge: (acknowledgement) => {
      const orderId = acknowledgement.requestId.replace(/\.[^.]*$/, '');
      const body = { orderId, decidedAt: new Date().toISOString(), ...acknowledgement };
      return publisher.publish(acknowledgementMessage(body, {}));
    },
    client: worker.client,
    temporal: new Temporal({ connection, namespace }),
    orders,
    dispatches,
    databases,
    script: (orderId, scripted) => scripts.set(orderId, scripted),
    asked: (requestId) =>
      eventually(() => asked.has(requestId), { what: `a request ${requestId}` }),
    publishRequest: (orderId, requestId) =>
      publisher.publish(requestOf(newOrder({ orderId }), requestId)),
    startDispatchSystem: startSystem,
    dispatchSystem,
    startSupplementSystem: async ({ graceMs }) => {
      supplement = await startSupplementSystem({
        connection,
        namespace,
        amqpUrl,
        ordersDatabaseUrl,
        dispatchDatabaseUrl,
        graceMs,
        log,
        pauses: SHORT_PAUSES,
      });
    },
    close: async () => {
      await supplement?.close();
      await worker.close();
      await bed.dispatchSystem.close();
      await publisher.close();
      await connection.close();
      await orders.$disconnect();
      await dispatches.$disconnect();
      await Promise.all(Object.values(databases).map((database) => database.close()));
      await surroundings.remove();
    },
  };
  return bed;
}

/** An order with an ID of its own. */
export function newOrder(fields: Partial<Order> = {}): Order {
  return {
    orderId: `o-${randomUUID()}`,
    customerId: 'c-7',
    restaurantId: 'r-3',
    deliveryAddress: { line: '1 Long Street', city: 'Sampleton', postcode: '12345' },
    items: [{ sku: 'noodles', quantity: 2, unitPriceMinor: 1250 }],
    currency: 'EUR',
    placedAt: '2026-11-23T12:00:00.000Z',
    ...fields,
  };
}

/** The request of an order, as the worker would publish it. */
export function requestOf(order: Order, requestId = `${order.orderId}.1`): OutgoingMessage {
  const { orderId } = order;
  const dispatchBy = new Date(Date.now() + 3_600_000).toISOString();
  return dispatchRequestMessage(
    { requestId, orderId, dispatchBy, contentHash: contentHash(order), order },
    undefined,
  );
}

/** A reply to each question in turn; the last one stays. */
export function inTurn(...replies: Reply[]): Decide {
  let asked = 0;
  return () => {
    const reply = replies[Math.min(asked, replies.length - 1)];
    asked += 1;
    if (!reply) throw new Error('no reply');
    return reply;
  };
}

/** How often a condition is looked at, in ms: soon, and then seldom, since each look costs all others time. */
const LOOKS_MS = { first: 20, last: 100 };

/**
 * Waits until `probe` returns something that is neither undefined nor false.
 *
 * @param options.withinMs for what usually takes longer than 6 s: a `patience`. @default 120000, and more on a
 * slow machine: below a test's own limit, so that the failure names the condition.
 */
export async function eventually<Value>(
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  options: { withinMs?: number; what?: string } = {},
): Promise<Value> {
  const { withinMs = patience(6_000), what = 'the condition' } = options;
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (let pauseMs = LOOKS_MS.first; ; pauseMs = Math.min(LOOKS_MS.last, pauseMs * 1.3)) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} did not come within ${withinMs} ms`, { cause: last });
    }
    // eslint-disable-next-line no-restricted-syntax -- the pause between two looks
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Waits until a statement on this database waits for a lock: whoever should come second is there. */
export function lockAwaited(rows: OrdersRows | DispatchRows): Promise<true> {
  return eventually(
    async () => {
      const waits = await rows.$queryRawUnsafe<unknown[]>(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waits.length > 0;
    },
    { what: 'a statement that waits for a lock' },
  );
}

/** Does something on a connection of its own, which takes its open transaction with it when that is done. */
export async function withConnection<Result>(
  connectionString: string,
  work: (connection: Client) => Promise<Result>,
): Promise<Result> {
  const connection = new Client({ connectionString });
  await connection.connect();
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}

/** Does something while a database takes no connections, and has lost those that it had. */
export async function withDatabaseAway<Result>(
  { postgresUrl }: Pick<Servers, 'postgresUrl'>,
  databaseUrl: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const name = new URL(databaseUrl).pathname.slice(1);
  return withConnection(postgresUrl, async (admin) => {
    const allow = (isAllowed: boolean) =>
      admin.query(`ALTER DATABASE "${name}" WITH ALLOW_CONNECTIONS ${isAllowed}`);
    try {
      await allow(false);
      // With the wait: until they are gone, they still take a statement.
      await admin.query(
        'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1',
        [name],
      );
      return await work();
    } finally {
      await allow(true);
    }
  });
}

/** Waits until an order's human task is open. */
export function openTask(handle: OrderHandle): Promise<OrderStatusView> {
  return eventually(
    async () => {
      const status = await handle.status();
      return status.humanTask && status;
    },
    { what: `a human task of ${handle.orderId}` },
  );
}

/**
 * Has a person asked about an order whose request or withdrawal was met with silence, as for a dead letter: at
 * once, where silence alone takes the product's timers. An answer may still come.
 *
 * @param about a request's ID. @default the first one
 */
export async function askPerson(
  { temporal, asked }: Pick<TestBed, 'temporal' | 'asked'>,
  handle: OrderHandle,
  about = requestIdOf(handle.orderId, 1),
): Promise<OrderStatusView> {
  await asked(about);
  await temporal.workflow
    .getHandle(dispatchOrderWorkflowId(handle.orderId))
    .signal(SIGNALS.requestDeadLettered, { requestId: about });
  return openTask(handle);
}

/** Has Temporal forget a workflow, as after its retention. */
export async function deleteWorkflow(
  { temporal, namespace }: Pick<TestBed, 'temporal' | 'namespace'>,
  workflowId: string,
): Promise<void> {
  await temporal.workflowService.deleteWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
  });
  const handle = temporal.workflow.getHandle(workflowId);
  await eventually(
    () =>
      handle.describe().then(
        () => false,
        () => true,
      ),
    { what: `the end of ${workflowId}` },
  );
}

/** The attempt that an order's workflow waits for, as Temporal has it. */
export async function pendingAttempt(temporal: Temporal, orderId: string) {
  const { raw } = await temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).describe();
  return raw.pendingActivities?.[0];
}

/** Waits until an order's attempt has told Temporal what it waits for. */
export async function attemptWaitsFor(
  temporal: Temporal,
  orderId: string,
  what: 'broker' | 'database',
): Promise<void> {
  await eventually(
    async () => {
      const attempt = await pendingAttempt(temporal, orderId);
      const said = attempt?.heartbeatDetails?.payloads?.[0]?.data ?? '';
      return Buffer.from(said).includes(`"waitsFor":"${what}"`);
    },
    { what: `an attempt that waits for the ${what}` },
  );
}

/** How many events the history of an order's workflow has. */
export async function historyLength(temporal: Temporal, orderId: string): Promise<number> {
  const description = await temporal.workflow
    .getHandle(dispatchOrderWorkflowId(orderId))
    .describe();
  return description.historyLength;
}

function messageOf(question: Question): { orderId: string; requestId: string } {
  return question.kind === 'request' ? question.request : question.withdrawal;
}
