import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { OrderDispatchClient, type OrderHandle, type PolicyOverrides } from '../../client';
import { decide as referenceDecide, type Decide } from '../../dispatch-system/decide';
import { startDispatchSystem, type DispatchSystem } from '../../dispatch-system/dispatch-system';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { readWorkerConfig, readWorkerVersion } from '../../runtime/config';
import { setWorkerVersion } from '../../operations/worker-version';
import { silentLogger } from '../../runtime/logger';
import { startTemporal } from '../../stack/servers/temporal';
import { findTemporalCli } from '../../stack/servers/temporal-cli';
import { openScope, type Scope } from '../../stack/supervision/scope';
import { startSupplementSystem, type SupplementSystem } from '../../supplement/supplement-system';
import { createOrderDispatchWorker, type OrderDispatchWorker } from '../../worker';
import { startProcess, type TestProcess } from '../processes';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from '../rows';
import { createFolder, runCli } from '../run-cli';
import {
  createSurroundings,
  eventually,
  newOrder,
  openTask,
  quietRuntime,
  sharedServers,
  type Surroundings,
  isLongRun,
} from '../setup';

/** Where this file's Temporal suggests a new run; by default it is some 4,000. */
const SUGGESTED_AT_EVENTS = 60;

const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 60_000 };
const PERSISTENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 1_000,
  initialIntervalMs: 300,
  maximumIntervalMs: 500,
  maximumAttempts: 100,
};
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 200,
  maximumAttempts: 1,
};
const RETRY = { decision: 'retry', actor: 'mia', note: 'couriers are back' } as const;

/** Temporal's number for `WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND`. */
const UNHANDLED_COMMAND = 1;

/** Rolling a release in processes of its own takes half a minute of two cores: `npm run test:long`. */
const testLong = isLongRun ? test : test.skip;

describe('versions of the worker', () => {
  let scope: Scope | undefined;
  let surroundings: Surroundings;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  let connection: Connection;
  let temporal: Client;
  let client: OrderDispatchClient;
  let orders: OrdersRows;
  let dispatches: DispatchRows;
  let native: NativeConnection;
  let dispatchSystem: DispatchSystem;
  let supplement: SupplementSystem;
  const started: TestProcess[] = [];
  const embedded: OrderDispatchWorker[] = [];
  const connections: NativeConnection[] = [];
  const scripts = new Map<string, Decide>();
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));

  beforeAll(async () => {
    if (isLongRun) scope = openScope(join(__dirname, '..', '..', '.local'));
    const address = scope ? await startOwnTemporal(scope) : sharedServers().temporalAddress;
    surroundings = await createSurroundings({ ...sharedServers(), temporalAddress: address });
    folder = await createFolder();
    const { namespace, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    quietRuntime();
    connection = await Connection.connect({ address });
    native = await NativeConnection.connect({ address });
    temporal = new Client({ connection, namespace });
    client = new OrderDispatchClient({ connection, namespace });
    orders = openOrdersRows(ordersDatabaseUrl);
    dispatches = openDispatchRows(dispatchDatabaseUrl);
    const log = silentLogger();
    dispatchSystem = await startDispatchSystem({
      ...{ amqpUrl, databaseUrl: dispatchDatabaseUrl, log },
      decide: (question) => {
        const { orderId } = question.kind === 'request' ? question.request : question.withdrawal;
        return (scripts.get(orderId) ?? referenceDecide)(question);
      },
    });
    // It has no version, and answers the activities of workflows that have one.
    supplement = await startSupplementSystem({
      ...{ connection: native, namespace, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl },
      ...{ graceMs: 60_000, log },
    });
  });
  afterAll(async () => {
    open();
    for (const worker of embedded) await worker.close();
    for (const own of connections) await own.close();
    for (const process of started) process.kill('SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
    await supplement.close();
    await dispatchSystem.close();
    await connection.close();
    await native.close();
    await orders.$disconnect();
    await dispatches.$disconnect();
    await surroundings.remove();
    await folder.remove();
    await scope?.end();
  });

  /** It has one threshold of continue-as-new for all namespaces. */
  const startOwnTemporal = async (own: Scope) => {
    const { address } = await startTemporal({
      scope: own,
      cli: await findTemporalCli(own, () => {}),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': SUGGESTED_AT_EVENTS },
    });
    return address;
  };
  const embed = async (buildId: string) => {
    const { namespace, amqpUrl, ordersDatabaseUrl } = surroundings;
    // Of its own: what starts eagerly on a connection goes to any worker there.
    const own = await NativeConnection.connect({ address: surroundings.stack.temporalAddress });
    const worker = await createOrderDispatchWorker({
      ...{ connection: own, namespace, amqpUrl, ordersDatabaseUrl, log: silentLogger() },
      version: { buildId },
    });
    connections.push(own);
    embedded.push(worker);
    return worker;
  };
  const start = async (buildId: string) => {
    const process = startProcess('worker', surroundings, { TEMPORAL_WORKER_BUILD_ID: buildId });
    started.push(process);
    await process.ready;
    return process;
  };
  const workerVersion = (...typed: string[]) =>
    runCli(['setup', 'worker-version', '--json', ...typed], {
      directory: folder.path,
      environment: {
        TEMPORAL_ADDRESS: surroundings.stack.temporalAddress,
        TEMPORAL_NAMESPACE: surroundings.namespace,
      },
    });
  /** What the command says that there is after a change. */
  const roll = async (...typed: string[]) => {
    const { exitCode, stdout, stderr } = await workerVersion(...typed);
    if (exitCode !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as unknown;
  };
  const place = (script: Decide, policy: PolicyOverrides) => {
    const order = newOrder();
    scripts.set(order.orderId, script);
    return client.placeOrder(order, { policy });
  };
  const silent: Decide = ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' };
  /** The version that did the last task of a workflow. */
  const versionOf = async (workflowId: string) => {
    const { raw } = await temporal.workflow.getHandle(workflowId).describe();
    return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  };
  const versionsOf = (handles: readonly OrderHandle[]) =>
    Promise.all(handles.map(({ orderId }) => versionOf(dispatchOrderWorkflowId(orderId))));
  const placeMany = async (count: number) => {
    const handles = await Promise.all(
      Array.from({ length: count }, () => client.placeOrder(newOrder())),
    );
    await Promise.all(handles.map((handle) => handle.result()));
    return handles;
  };
  const expectDispatchedOnce = async (handle: OrderHandle) => {
    const { orderId } = handle;
    const { status, courierId } = await handle.result();
    expect(status).toBe('dispatched');
    expect(await dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
      { status: 'live', courierId },
    ]);
    const where = { orderId, class: 'first', outcome: 'accepted' };
    expect(await orders.acknowledgement.count({ where })).toBe(1);
  };
  const expectNoFailedTasks = async (handles: readonly OrderHandle[]) => {
    const histories = await Promise.all(
      handles.map(({ orderId }) =>
        temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).fetchHistory(),
      ),
    );
    const failed = histories
      .flatMap(({ events }) => events ?? [])
      .flatMap(({ workflowTaskFailedEventAttributes: failure }) => failure ?? [])
      // Such a task is only done again: a message came while it ended.
      .filter(({ cause }) => Number(cause) !== UNHANDLED_COMMAND);
    expect(failed).toEqual([]);
  };
  const statusOf = async ({ orderId }: OrderHandle) =>
    (await orders.order.findUnique({ where: { orderId } }))?.status;

  test('orders go to the version that is current: none starts eagerly with another, and those under way go on with the next one', async () => {
    const [oldOne, newOne] = await Promise.all([embed('old'), embed('new')]);
    expect(await roll('--build-id', 'old')).toMatchObject({ currentBuildId: 'old' });
    const placed = await newOne.client.placeOrder(newOrder());
    await placed.result();
    const ramp = { buildId: 'new', percent: 10 };
    for (const end of [
      ['--build-id', 'new', '--ramp', '0'],
      ['--build-id', 'old'],
    ]) {
      expect(await roll('--build-id', 'new', '--ramp', '10')).toMatchObject({ ramp });
      await roll(...end);
      const after = await roll();
      expect(after).toMatchObject({ currentBuildId: 'old' });
      expect(after).not.toHaveProperty('ramp');
    }
    const waiting = await place(silent, PERSISTENT);
    const escalated = await place(silent, IMPATIENT);
    await openTask(escalated);
    await eventually(async () => (await statusOf(waiting)) === 'placed');
    expect(await versionsOf([placed, waiting, escalated])).toEqual(Array(3).fill('old'));

    expect(await roll('--build-id', 'new')).toMatchObject({ currentBuildId: 'new' });
    await oldOne.close();
    expect(await client.reconcile(waiting.orderId, { actor: 'ana' })).toBeDefined();
    for (const { orderId } of [waiting, escalated]) scripts.delete(orderId);
    await escalated.resolve(RETRY);
    const [afterwards] = await placeMany(1);
    const all = [waiting, escalated, ...(afterwards ? [afterwards] : [])];
    await Promise.all([placed, ...all].map(expectDispatchedOnce));
    expect(await versionsOf(all)).toEqual(Array(3).fill('new'));
    await expectNoFailedTasks(all);
    await newOne.close();
  });

  test.each([
    [['--build-id', 'new', '--ramp', '50'], /build ID new is current/],
    [['--ramp', '50'], /--ramp needs --build-id/],
    [['--build-id', 'A', '--ramp', '101'], /--ramp: must be a whole number from 0 to 100/],
  ])('%j is refused', async (typed, why) => {
    const result = await workerVersion(...typed);
    expect(result.exitCode).toBe(2);
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: { message: expect.stringMatching(why) as string },
    });
  });

  test('a build ID that no worker has is refused, and nothing is changed', async () => {
    const before = await roll();
    const change = { deployment: 'order-dispatch', buildId: 'nobody', withinMs: 300 };
    await expect(
      setWorkerVersion({ temporal, namespace: surroundings.namespace }, change),
    ).rejects.toThrow(
      /^build ID nobody of .*: no worker of it has polled; start its workers first/,
    );
    expect(await roll()).toEqual(before);
  });

  test('without its variables a worker has no version; either of them gives it one, with defaults', () => {
    const needed = {
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      AMQP_URL: 'amqp://broker.example',
      ORDERS_DATABASE_URL: 'postgresql://db.example/orders',
    };
    expect(readWorkerConfig(needed)).not.toHaveProperty('version');
    expect(readWorkerVersion({ TEMPORAL_WORKER_DEPLOYMENT: 'kitchen' })).toEqual({
      deployment: 'kitchen',
      buildId: expect.stringMatching(/^\d+\.\d+\.\d+(\+[0-9a-f]{7,40}(-dirty)?)?$/) as string,
    });
    expect(readWorkerVersion({ TEMPORAL_WORKER_BUILD_ID: '1.2.3' })).toEqual({
      deployment: 'order-dispatch',
      buildId: '1.2.3',
    });
    expect(() => readWorkerVersion({ TEMPORAL_WORKER_DEPLOYMENT: 'a.b' })).toThrow(
      /^TEMPORAL_WORKER_DEPLOYMENT: must be 1-100 characters/,
    );
  });

  testLong(
    'orders in every state go from one version to the next and back: none is lost, each is dispatched once',
    async () => {
      const [oldOne, newOne] = await Promise.all([start('A'), start('B')]);
      expect(newOne.output()).toContain('this version gets no orders until');
      expect(await roll('--build-id', 'A')).toMatchObject({ currentBuildId: 'A' });

      // In each state, on version A.
      const waiting = await place(async (question) => {
        await opened;
        return referenceDecide(question);
      }, PATIENT);
      const [askedAgain, askedLonger] = [
        await place(silent, PERSISTENT),
        await place(silent, PERSISTENT),
      ];
      const [resolvedByNew, resolvedByOld, continued] = [
        await place(silent, IMPATIENT),
        await place(silent, IMPATIENT),
        await place(silent, IMPATIENT),
      ];
      const cancelling = await place(referenceDecide, PERSISTENT);
      await cancelling.result();
      scripts.set(cancelling.orderId, () => ({ kind: 'staySilent' }));
      const cancelled = cancelling.cancel({ actor: 'ana', note: 'too late' });
      cancelled.catch(() => {});
      for (const handle of [resolvedByNew, resolvedByOld, continued]) await openTask(handle);
      await eventually(async () => (await statusOf(cancelling)) === 'cancelling');
      const all = [waiting, askedAgain, askedLonger, resolvedByNew, resolvedByOld, continued];
      expect(new Set(await versionsOf(all))).toEqual(new Set(['A']));

      // Half of the orders go to B.
      expect(await roll('--build-id', 'B', '--ramp', '50')).toMatchObject({
        currentBuildId: 'A',
        ramp: { buildId: 'B', percent: 50 },
      });
      const ramped = await placeMany(16);
      expect(new Set(await versionsOf(ramped))).toEqual(new Set(['A', 'B']));

      // All of them, and A ends at once.
      expect(await roll('--build-id', 'B')).toMatchObject({
        currentBuildId: 'B',
        versions: expect.arrayContaining([
          { buildId: 'B', status: 'current' },
          { buildId: 'A', status: 'draining' },
        ]) as unknown,
      });
      oldOne.kill('SIGKILL');
      await oldOne.exited;
      const afterwards = await placeMany(2);
      expect(await versionsOf(afterwards)).toEqual(['B', 'B']);
      for (const handle of [askedAgain, resolvedByNew]) scripts.delete(handle.orderId);
      await resolvedByNew.resolve(RETRY);
      await Promise.all([askedAgain, resolvedByNew].map(expectDispatchedOnce));
      expect(await versionsOf([askedAgain, resolvedByNew])).toEqual(['B', 'B']);
      expect(await client.reconcile(waiting.orderId, { actor: 'ana' })).toBeDefined();
      const workflow = temporal.workflow.getHandle(dispatchOrderWorkflowId(continued.orderId));
      const { runId } = await workflow.describe();
      await eventually(
        async () => {
          await workflow.signal('no such signal');
          return (await workflow.describe()).runId !== runId;
        },
        { what: 'a new run, of version B' },
      );
      await openTask(continued);

      // And back.
      await start('A');
      expect(await roll('--build-id', 'A')).toMatchObject({ currentBuildId: 'A' });
      newOne.kill('SIGTERM');
      expect(await newOne.exited).toEqual({ code: 0, signal: null });
      open();
      for (const { orderId } of [...all, cancelling]) scripts.delete(orderId);
      await Promise.all([resolvedByOld, continued].map((handle) => handle.resolve(RETRY)));
      expect(await cancelled).toMatchObject({ status: 'cancelled', resolvedBy: 'ana' });
      await Promise.all([...all, ...ramped, ...afterwards].map(expectDispatchedOnce));
      expect(await versionsOf([waiting, askedLonger, resolvedByOld, continued])).toEqual(
        Array(4).fill('A'),
      );
      expect(await versionOf(cancelOrderWorkflowId(cancelling.orderId))).toBe('A');
      // What ended on a version that nobody runs any more can still be asked.
      expect(await afterwards[0]?.status()).toMatchObject({ status: 'dispatched' });
      await expectNoFailedTasks(all);
    },
  );
});
