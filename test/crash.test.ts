import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { connect } from 'amqplib';
import { OrderDispatchClient, type OrderHandle, type PolicyOverrides } from '../client';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { openOrdersDatabase } from '../database/orders/connection';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { Publisher } from '../messaging/publisher';
import { readBulk, startBulk } from '../operations/bulk';
import { CRASH_POINTS, type CrashPoint } from '../runtime/crash-point';
import { silentLogger } from '../runtime/logger';
import { startProcess, type TestProcess } from './processes';
import { createSurroundings, eventually, newOrder, openTask, type Surroundings } from './setup';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from './rows';

type Name = 'worker' | 'dispatch-system' | 'supplement' | 'api';

describe('a process killed with SIGKILL', () => {
  let surroundings: Surroundings;
  let client: OrderDispatchClient;
  let connection: Connection;
  let temporal: Client;
  let orders: OrdersRows;
  let dispatches: DispatchRows;
  let started: (TestProcess & { name: Name })[] = [];

  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { stack, namespace, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    client = await OrderDispatchClient.connect({
      address: stack.temporalAddress,
      namespace,
      workflowTaskTimeoutMs: 2_000,
    });
    connection = await Connection.connect({ address: stack.temporalAddress });
    temporal = new Client({ connection, namespace });
    orders = openOrdersRows(ordersDatabaseUrl);
    dispatches = openDispatchRows(dispatchDatabaseUrl);
  });
  afterEach(async () => {
    for (const process of started) process.kill('SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
    started = [];
  });
  afterAll(async () => {
    await client.close();
    await connection.close();
    await orders.$disconnect();
    await dispatches.$disconnect();
    await surroundings.remove();
  });

  const start = async (name: Name, crashPoint?: CrashPoint) => {
    const process = startProcess(name, surroundings, {
      API_PORT: '0',
      ...(crashPoint && { ORDER_DISPATCH_CRASH_POINT: crashPoint }),
    });
    started.push({ ...process, name });
    await process.ready;
    return process;
  };
  const expectDispatchedOnce = async (handle: OrderHandle) => {
    const result = await handle.result();
    expect(result).toMatchObject({ status: 'dispatched', dispatchedBy: 'acknowledgement' });
    const { orderId } = handle;
    expect(await dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
      { status: 'live', courierId: result.courierId },
    ]);
    const ledger = await orders.acknowledgement.findMany({ where: { orderId } });
    expect(ledger.filter((row) => row.class === 'first')).toHaveLength(1);
    return result;
  };
  const rowOf = (orderId: string) => orders.order.findUnique({ where: { orderId } });
  const waitingIn = async (queue: string) => {
    const connected = await connect(surroundings.amqpUrl);
    const channel = await connected.createChannel();
    const { messageCount } = await channel.checkQueue(queue);
    await connected.close();
    return messageCount;
  };
  /** So patient that nothing is asked again within a test: a retry would hide what was lost. */
  const policy: PolicyOverrides = { acknowledgementTimeoutMs: 60_000 };

  test('the worker in the quick path, after it published: nothing is lost, dispatched once', async () => {
    await start('dispatch-system');
    const doomed = await start('worker', 'quickPath.afterPublish');
    const handle = await client.placeOrder(newOrder(), { policy });
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    await start('worker');
    await expectDispatchedOnce(handle);
  });

  test('the worker after the ledger’s commit, before it tells: nothing is lost, dispatched once', async () => {
    await start('dispatch-system');
    const doomed = await start('worker', 'acknowledgement.afterCommit');
    // Where the answer comes after the quick window, the attempt has to end before anybody looks again.
    const handle = await client.placeOrder(newOrder(), {
      policy: { quickWindowMs: 3_000, acknowledgementTimeoutMs: 5_000 },
    });
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    await start('worker');
    // It is in the ledger: nothing was asked again.
    expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
  });

  test('the worker while it waits in the durable path: the answer reaches the next worker by the shared queue', async () => {
    const doomed = await start('worker');
    const handle = await client.placeOrder(newOrder(), {
      policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 60_000 },
    });
    await eventually(async () => {
      const row = await orders.order.findUnique({ where: { orderId: handle.orderId } });
      return row?.attempts === 1;
    });
    await eventually(async () => {
      const workflow = temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId));
      const { raw } = await workflow.describe();
      return raw.pendingActivities?.some(({ heartbeatDetails }) => heartbeatDetails);
    });
    doomed.kill('SIGKILL');
    await doomed.exited;
    await start('dispatch-system');
    await start('worker');
    // One attempt: nothing was asked again, so this answer was sent to the home that is gone.
    expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
  });

  test.each<[CrashPoint, string[]]>([
    ['dispatchSystem.afterCommit', ['first']],
    ['dispatchSystem.afterAnswer', ['first', 'duplicate']],
  ])(
    'the dispatch system at %s: the message comes again and is answered the same',
    async (crashPoint, classes) => {
      await start('worker');
      const doomed = await start('dispatch-system', crashPoint);
      const handle = await client.placeOrder(newOrder(), { policy });
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
      await start('dispatch-system');
      expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
      const { orderId } = handle;
      await eventually(
        async () => {
          const answers = await orders.acknowledgement.findMany({
            where: { orderId },
            orderBy: { id: 'asc' },
          });
          return isDeepStrictEqual(
            answers.map((answer) => answer.class),
            classes,
          );
        },
        { what: `the answers ${classes.join(', ')}` },
      );
    },
  );

  test.each<CrashPoint>(['quickPath.afterInsert', 'acknowledgement.beforeAck'])(
    'the worker at %s: the order is dispatched once',
    async (crashPoint) => {
      await start('dispatch-system');
      const doomed = await start('worker', crashPoint);
      const handle = await client.placeOrder(newOrder(), {
        // Before the request went out nothing but another attempt sends it.
        policy: { quickWindowMs: 3_000, acknowledgementTimeoutMs: 5_000 },
      });
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
      await start('worker');
      await expectDispatchedOnce(handle);
      // What was delivered and not acked comes again.
      await eventually(async () => (await waitingIn(QUEUES.acknowledgements)) === 0);
    },
  );

  test('the dispatch system at publish.atConfirm: its answer comes twice, and counts once', async () => {
    await start('worker');
    const doomed = await start('dispatch-system', 'publish.atConfirm');
    const handle = await client.placeOrder(newOrder(), { policy });
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    await start('dispatch-system');
    expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
  });

  test.each<CrashPoint>(['compensation.afterFirstStep', 'compensation.beforeLastStep'])(
    'the worker at %s: the order is cancelled, and no courier is on the way',
    async (crashPoint) => {
      await start('dispatch-system');
      const doomed = await start('worker', crashPoint);
      const handle = await client.placeOrder(newOrder(), { policy });
      await handle.result();
      const cancelled = handle.cancel({ actor: 'customer', note: 'changed their mind' });
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
      await start('worker');
      expect(await cancelled).toMatchObject({ status: 'cancelled', resolvedBy: 'customer' });
      const { orderId } = handle;
      expect(await dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
        { status: 'withdrawn' },
      ]);
      expect(await orders.auditEntry.count({ where: { orderId, act: 'cancel' } })).toBe(1);
    },
  );

  test('the worker at bulk.afterResolve: the task is resolved once, and the run counts it', async () => {
    const doomed = await start('worker', 'bulk.afterResolve');
    const restaurantId = 'r-bulk';
    // Nobody answers yet, so that it becomes a task.
    const silent = await client.placeOrder(newOrder({ restaurantId }), {
      policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 200, maximumAttempts: 1 },
    });
    await openTask(silent);
    const database = openOrdersDatabase({ url: surroundings.ordersDatabaseUrl });
    const { bulkId } = await startBulk(
      { database, temporal },
      { filter: { restaurantId }, decision: 'cancel', actor: 'mia', note: 'nobody answers' },
    );
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    await start('worker');
    await eventually(async () => (await readBulk(database, bulkId)).run.state === 'done', {
      withinMs: 50_000,
    });
    expect(await readBulk(database, bulkId)).toMatchObject({ counts: { resolved: 1, failed: 0 } });
    const { orderId } = silent;
    expect(await rowOf(orderId)).toMatchObject({ status: 'cancelling', decidedBy: 'mia' });
    expect(await orders.auditEntry.count({ where: { orderId, act: 'resolve' } })).toBe(1);
    await database.close();
  });

  test('the drain at drain.afterCommit: the dead letter is recorded once, and its order becomes a task', async () => {
    await start('worker');
    const doomed = await start('supplement', 'drain.afterCommit');
    const handle = await client.placeOrder(newOrder(), { policy });
    const publisher = await Publisher.open({
      url: surroundings.amqpUrl,
      name: 'test',
      log: silentLogger(),
    });
    const messageId = `${handle.orderId}.1`;
    await eventually(async () => (await rowOf(handle.orderId))?.attempts === 1);
    await publisher.publish({
      exchange: '',
      routingKey: deadLetterQueueOf(QUEUES.dispatchRequests),
      type: DISPATCH_REQUEST_TYPE,
      messageId,
      appId: 'order-dispatch',
      headers: { deadLetterReason: 'a test' },
      content: Buffer.from('{}'),
    });
    await publisher.close();
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    await start('supplement');
    expect((await openTask(handle)).humanTask).toMatchObject({
      escalationReason: 'requestDeadLettered',
    });
    expect(await orders.deadLetter.count({ where: { messageId } })).toBe(1);
  });

  test('the API at publish.atConfirm, in a replay: the dead letter stays open, and replayed again its request counts once', async () => {
    await Promise.all([start('worker'), start('supplement')]);
    const connected = await connect(surroundings.amqpUrl);
    const channel = await connected.createConfirmChannel();
    // What another test left there is nobody's business here.
    await channel.purgeQueue(QUEUES.dispatchRequests);
    const handle = await client.placeOrder(newOrder(), { policy });
    // As a consumer does with what it gives up on.
    const request = await eventually(() => channel.get(QUEUES.dispatchRequests));
    channel.sendToQueue(deadLetterQueueOf(QUEUES.dispatchRequests), request.content, {
      ...request.properties,
      headers: { deadLetterReason: 'a test' },
    });
    await channel.waitForConfirms();
    channel.ack(request);
    await connected.close();
    await openTask(handle);
    await start('dispatch-system');
    const { orderId } = handle;
    const deadLetter = () => orders.deadLetter.findFirstOrThrow({ where: { orderId } });
    const replay = async (api: TestProcess) => {
      const url = /"url":"([^"]+)"/.exec(api.output())?.[1];
      const { id } = await deadLetter();
      const answer = await fetch(`${url}/v1/dead-letters/replay`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ids: [String(id)], canary: 0, note: 'mended' }),
      });
      expect(answer.status).toBe(202);
    };
    const doomed = await start('api', 'publish.atConfirm');
    await replay(doomed);
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(await deadLetter()).toMatchObject({ state: 'open' });
    await replay(await start('api'));
    await eventually(async () => (await deadLetter()).state === 'replayed');
    await expectDispatchedOnce(handle);
    const acts = await orders.auditEntry.findMany({ where: { act: 'replay', orderId } });
    expect(acts).toHaveLength(1);
  });

  test('every crash point has a test', () => {
    const texts = readdirSync(__dirname)
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(__dirname, file), 'utf8'))
      .join();
    expect(CRASH_POINTS.filter((point) => !texts.includes(point))).toEqual([]);
  });

  test('and a worker told to stop with orders in flight drains and exits with 0', async () => {
    const worker = await start('worker');
    const handles = await Promise.all(
      Array.from({ length: 10 }, () => client.placeOrder(newOrder(), { policy })),
    );
    await eventually(
      async () => (await orders.order.count({ where: { status: 'placed' } })) === 10,
    );
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    await start('dispatch-system');
    await start('worker');
    for (const handle of handles) await expectDispatchedOnce(handle);
  });

  test('a worker whose database is not migrated, or whose namespace is bare, names what is missing', async () => {
    const { ordersDatabaseUrl } = surroundings;
    const bare = ordersDatabaseUrl.replace(/[^/]+$/, 'postgres');
    const worker = startProcess('worker', surroundings, { ORDERS_DATABASE_URL: bare });
    expect(await worker.exited).toMatchObject({ code: 1 });
    expect(worker.output()).toMatch(/lacks the migrations .*order-dispatch setup migrate/);
    const misconfigured = startProcess('worker', surroundings, { AMQP_URL: 'http://x' });
    expect(await misconfigured.exited).toMatchObject({ code: 1 });
    expect(misconfigured.output()).toMatch(
      /^worker: AMQP_URL: must be a URL that starts with amqp/,
    );
  });
});
