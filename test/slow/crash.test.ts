import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { connect, type ConfirmChannel, type ChannelModel } from 'amqplib';
import { OrderDispatchClient, type OrderHandle, type PolicyOverrides } from '../../client';
import { dispatchOrderWorkflowId, reconcileOrderWorkflowId } from '../../domain/temporal-names';
import { openOrdersDatabase } from '../../database/orders/connection';
import { EXCHANGES, QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import type { Order } from '../../domain/order';
import { readBulk, startBulk } from '../../operations/bulk';
import { CRASH_BY_MESSAGE, CRASH_POINTS, type CrashPoint } from '../../runtime/crash-point';
import { patience } from '../patience';
import { startProcess, type TestProcess } from '../processes';
import {
  createSurroundings,
  eventually,
  newOrder,
  openTask,
  requestOf,
  type Surroundings,
} from '../setup';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from '../rows';

type Name = 'worker' | 'dispatch-system' | 'supplement' | 'api';

/** What comes of an order where a process dies at a point. */
interface Story {
  victim: Name;
  what: string;
  tell: (point: CrashPoint) => Promise<void>;
}

describe('a process killed with SIGKILL', () => {
  let surroundings: Surroundings;
  let client: OrderDispatchClient;
  let connection: Connection;
  let temporal: Client;
  let broker: ChannelModel;
  let channel: ConfirmChannel;
  let orders: OrdersRows;
  let dispatches: DispatchRows;
  /** At most one of each kind. A test takes over who is alive, since each start costs seconds. */
  const alive = new Map<Name, TestProcess>();

  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { stack, namespace, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    client = await OrderDispatchClient.connect({
      address: stack.temporalAddress,
      namespace,
      workflowTaskTimeoutMs: patience(100),
    });
    connection = await Connection.connect({ address: stack.temporalAddress });
    temporal = new Client({ connection, namespace });
    broker = await connect(surroundings.amqpUrl);
    channel = await broker.createConfirmChannel();
    orders = openOrdersRows(ordersDatabaseUrl);
    dispatches = openDispatchRows(dispatchDatabaseUrl);
  });
  afterAll(async () => {
    await atWork();
    await client.close();
    await connection.close();
    await broker.close();
    await orders.$disconnect();
    await dispatches.$disconnect();
    await surroundings.remove();
  });

  const start = async (name: Name): Promise<TestProcess> => {
    const process = startProcess(name, surroundings, {
      API_PORT: '0',
      SUPPLEMENT_GRACE_MS: '0',
      ORDER_DISPATCH_CRASH_POINT: CRASH_BY_MESSAGE,
    });
    alive.set(name, process);
    await process.ready;
    return process;
  };
  /** Has these kinds at work, and no other. */
  const atWork = async (...names: Name[]) => {
    for (const [name, process] of alive) {
      if (names.includes(name)) continue;
      alive.delete(name);
      process.kill('SIGKILL');
      await process.exited;
    }
    await Promise.all(names.filter((name) => !alive.has(name)).map(start));
  };
  const processOf = (name: Name): TestProcess => {
    const process = alive.get(name);
    if (!process) throw new Error(`no ${name} is at work`);
    return process;
  };
  /** Has the one at work die there. @returns what waits until it has. */
  const doom = async (victim: Name, point: CrashPoint): Promise<() => Promise<void>> => {
    const process = processOf(victim);
    await process.dieAt(point);
    return async () => {
      expect(await process.exited).toMatchObject({ signal: 'SIGKILL' });
      alive.delete(victim);
    };
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
  const waitingIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  /** So patient that nothing is asked again within a test: a retry would hide what was lost. */
  const PATIENT: PolicyOverrides = { acknowledgementTimeoutMs: 3_600_000 };

  /** A short quick path, after which another attempt asks again. */
  const BRIEF: PolicyOverrides = {
    quickWindowMs: 3_000,
    acknowledgementTimeoutMs: patience(250),
  };

  /** One for each point: the compiler refuses a point that has none. */
  const STORIES: Readonly<Record<CrashPoint, Story>> = {
    'quickPath.afterInsert': {
      victim: 'worker',
      what: 'the order is dispatched once',
      tell: async (point) => {
        await expectDispatchedOnce(await placedWithDoomedWorker(point, BRIEF));
      },
    },
    'quickPath.afterPublish': {
      victim: 'worker',
      what: 'nothing is lost, dispatched once',
      tell: async (point) => {
        await expectDispatchedOnce(await placedWithDoomedWorker(point, PATIENT));
      },
    },
    'acknowledgement.afterCommit': {
      victim: 'worker',
      what: 'the answer is in the ledger, and nothing is asked again',
      tell: async (point) => {
        // Where the answer comes after the quick window, the attempt has to end before anybody looks again.
        const handle = await placedWithDoomedWorker(point, BRIEF);
        expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
      },
    },
    'acknowledgement.beforeAck': {
      victim: 'worker',
      what: 'the answer comes again, and counts once',
      tell: async (point) => {
        await expectDispatchedOnce(await placedWithDoomedWorker(point, BRIEF));
        // What was delivered and not acked comes again.
        await eventually(async () => (await waitingIn(QUEUES.acknowledgements)) === 0);
      },
    },
    'dispatchSystem.afterCommit': {
      victim: 'dispatch-system',
      what: 'the message comes again and is answered',
      tell: (point) => expectAnswers(point, ['first']),
    },
    'dispatchSystem.afterAnswer': {
      victim: 'dispatch-system',
      what: 'the message comes again and is answered the same',
      tell: (point) => expectAnswers(point, ['first', 'duplicate']),
    },
    'publish.atConfirm': {
      victim: 'dispatch-system',
      what: 'its answer comes twice, and counts once',
      tell: (point) => expectAnswers(point, ['first', 'duplicate']),
    },
    'compensation.afterFirstStep': {
      victim: 'worker',
      what: 'the order is cancelled, and no courier is on the way',
      tell: expectCancelled,
    },
    'compensation.beforeLastStep': {
      victim: 'worker',
      what: 'the order is cancelled, and no courier is on the way',
      tell: expectCancelled,
    },
    'relay.beforePublish': {
      victim: 'worker',
      what: 'the event comes once',
      tell: (point) => expectEvents(point, 1),
    },
    'relay.beforeCommit': {
      victim: 'worker',
      what: 'the event comes twice, with the same ID',
      tell: (point) => expectEvents(point, 2),
    },
    'supplement.afterQueries': {
      victim: 'supplement',
      what: 'the copy of an order whose insert was rolled back comes again, and brings it back once',
      tell: expectRestored,
    },
    'supplement.afterStart': {
      victim: 'supplement',
      what: 'the copy of an order whose insert was rolled back comes again, and brings it back once',
      tell: expectRestored,
    },
    'supplement.beforeAck': {
      victim: 'supplement',
      what: 'the copy of an order whose insert was rolled back comes again, and brings it back once',
      tell: expectRestored,
    },
    'bulk.afterResolve': {
      victim: 'worker',
      what: 'the task is resolved once, and the run counts it',
      tell: async (point) => {
        await atWork('worker');
        const restaurantId = 'r-bulk';
        // Nobody answers yet, so that it becomes a task.
        const silent = await client.placeOrder(newOrder({ restaurantId }), {
          policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 200, maximumAttempts: 1 },
        });
        await openTask(silent);
        const died = await doom('worker', point);
        const database = openOrdersDatabase({ url: surroundings.ordersDatabaseUrl });
        const { bulkId } = await startBulk(
          { database, temporal },
          { filter: { restaurantId }, decision: 'cancel', actor: 'mia', note: 'nobody answers' },
        );
        await died();
        await start('worker');
        await eventually(async () => (await readBulk(database, bulkId)).run.state === 'done', {
          withinMs: patience(25_000),
        });
        const counts = { resolved: 1, failed: 0 };
        expect(await readBulk(database, bulkId)).toMatchObject({ counts });
        const { orderId } = silent;
        expect(await rowOf(orderId)).toMatchObject({ status: 'cancelling', decidedBy: 'mia' });
        expect(await orders.auditEntry.count({ where: { orderId, act: 'resolve' } })).toBe(1);
        await database.close();
      },
    },
    'drain.afterCommit': {
      victim: 'supplement',
      what: 'the dead letter is recorded once, and its order becomes a task',
      tell: async (point) => {
        await atWork('worker', 'supplement');
        const died = await doom('supplement', point);
        const handle = await client.placeOrder(newOrder(), { policy: PATIENT });
        const messageId = `${handle.orderId}.1`;
        await eventually(async () => (await rowOf(handle.orderId))?.attempts === 1);
        channel.sendToQueue(deadLetterQueueOf(QUEUES.dispatchRequests), Buffer.from('{}'), {
          type: DISPATCH_REQUEST_TYPE,
          messageId,
          appId: 'order-dispatch',
          headers: { deadLetterReason: 'a test' },
        });
        await channel.waitForConfirms();
        await died();
        await start('supplement');
        expect((await openTask(handle)).humanTask).toMatchObject({
          escalationReason: 'requestDeadLettered',
        });
        expect(await orders.deadLetter.count({ where: { messageId } })).toBe(1);
      },
    },
  };

  test.each(CRASH_POINTS.map((point) => ({ point, ...STORIES[point] })))(
    'the $victim at $point: $what',
    ({ point, tell }) => tell(point),
  );

  /** Places an order with a worker that dies there, and has another one at work then. */
  async function placedWithDoomedWorker(point: CrashPoint, policy: PolicyOverrides) {
    await atWork('dispatch-system', 'worker');
    const died = await doom('worker', point);
    const handle = await client.placeOrder(newOrder(), { policy });
    await died();
    await start('worker');
    return handle;
  }

  /** The dispatch system dies there, and its answers are of these classes in the end. */
  async function expectAnswers(point: CrashPoint, classes: string[]) {
    await atWork('dispatch-system', 'worker');
    const died = await doom('dispatch-system', point);
    const handle = await client.placeOrder(newOrder(), { policy: PATIENT });
    await died();
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
  }

  async function expectCancelled(point: CrashPoint) {
    await atWork('dispatch-system', 'worker');
    const handle = await client.placeOrder(newOrder(), { policy: PATIENT });
    await handle.result();
    const died = await doom('worker', point);
    const cancelled = handle.cancel({ actor: 'customer', note: 'changed their mind' });
    await died();
    await start('worker');
    expect(await cancelled).toMatchObject({ status: 'cancelled', resolvedBy: 'customer' });
    const { orderId } = handle;
    expect(await dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
      { status: 'withdrawn' },
    ]);
    expect(await orders.auditEntry.count({ where: { orderId, act: 'cancel' } })).toBe(1);
  }

  /** The event of an order that is dispatched comes so many times. */
  async function expectEvents(point: CrashPoint, times: number) {
    await atWork('dispatch-system', 'worker');
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, EXCHANGES.events, 'order.dispatched.v1');
    // It is to die of this order's event. These stories come first, before any that leaves more of them.
    await eventually(
      async () => (await orders.outcomeEvent.count({ where: { sentAt: null } })) === 0,
    );
    const died = await doom('worker', point);
    const handle = await client.placeOrder(newOrder(), { policy: PATIENT });
    await died();
    const where = { subject: handle.orderId };
    expect(await orders.outcomeEvent.findMany({ where })).toMatchObject([{ sentAt: null }]);
    await start('worker');
    await expectDispatchedOnce(handle);
    const sent = await eventually(async () => {
      const event = await orders.outcomeEvent.findFirstOrThrow({ where });
      return event.sentAt ? event : undefined;
    });
    // It is confirmed before it counts as sent: whatever came is in the queue.
    const came: unknown[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) break;
      came.push(message.properties.messageId);
    }
    expect(came).toEqual(Array.from({ length: times }, () => sent.eventId));
    await channel.deleteQueue(queue);
  }

  /** Only the copy is left of an order: it is compared, and the order is dispatched. */
  async function expectRestored(point: CrashPoint) {
    // It is to die of this order's copy, and not of what nobody has looked at yet.
    if (!alive.has('supplement')) await channel.purgeQueue(QUEUES.supplementRequests);
    await atWork('dispatch-system', 'worker', 'supplement');
    const died = await doom('supplement', point);
    const order = newOrder();
    const { orderId } = order;
    sendCopy(order);
    await channel.waitForConfirms();
    await died();
    await start('supplement');
    const handle = client.getOrder(orderId);
    await eventually(async () => (await rowOf(orderId))?.status === 'dispatched');
    await expectDispatchedOnce(handle);
    await eventually(async () => (await waitingIn(QUEUES.supplementRequests)) === 0);
    await temporal.workflow.getHandle(reconcileOrderWorkflowId(orderId)).result();
    expect(await orders.repair.findMany({ where: { orderId } })).toMatchObject([
      { done: 'restarted' },
    ]);
  }

  function sendCopy(order: Order) {
    const { content, type, messageId, appId, headers } = requestOf(order);
    channel.sendToQueue(QUEUES.supplementRequests, content, { type, messageId, appId, headers });
  }

  test('the worker while it waits in the durable path: the answer reaches the next worker by the shared queue', async () => {
    await atWork('worker');
    const handle = await client.placeOrder(newOrder(), {
      policy: { ...PATIENT, quickWindowMs: 0 },
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
    await atWork();
    await atWork('dispatch-system', 'worker');
    // One attempt: nothing was asked again, so this answer was sent to the home that is gone.
    expect(await expectDispatchedOnce(handle)).toMatchObject({ attempts: 1 });
  });

  test('the API at publish.atConfirm, in a replay: the dead letter stays open, and replayed again its request counts once', async () => {
    await atWork('worker', 'supplement', 'api');
    // What another test left there is nobody's business here.
    await channel.purgeQueue(QUEUES.dispatchRequests);
    const handle = await client.placeOrder(newOrder(), { policy: PATIENT });
    // As a consumer does with what it gives up on.
    const request = await eventually(() => channel.get(QUEUES.dispatchRequests));
    channel.sendToQueue(deadLetterQueueOf(QUEUES.dispatchRequests), request.content, {
      ...request.properties,
      headers: { deadLetterReason: 'a test' },
    });
    await channel.waitForConfirms();
    channel.ack(request);
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
    const died = await doom('api', 'publish.atConfirm');
    await replay(processOf('api'));
    await died();
    expect(await deadLetter()).toMatchObject({ state: 'open' });
    await replay(await start('api'));
    await eventually(async () => (await deadLetter()).state === 'replayed');
    await expectDispatchedOnce(handle);
    const acts = await orders.auditEntry.findMany({ where: { act: 'replay', orderId } });
    expect(acts).toHaveLength(1);
  });

  test('and a worker told to stop with orders in flight drains and exits with 0', async () => {
    await atWork('worker');
    const worker = processOf('worker');
    const handles = await Promise.all(
      Array.from({ length: 10 }, () => client.placeOrder(newOrder(), { policy: PATIENT })),
    );
    await eventually(
      async () => (await orders.order.count({ where: { status: 'placed' } })) === 10,
    );
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    alive.delete('worker');
    await atWork('dispatch-system', 'worker');
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
