import type { OrderHandle } from '../../client';
import { endHold, findHold, releaseOrders } from '../../database/orders/holds';
import { insertOrRead } from '../../database/orders/record-order';
import { QUEUES } from '../../domain/amqp-names';
import { contentHash } from '../../domain/content-hash';
import { ResolutionRefused } from '../../domain/errors';
import type { Hold } from '../../domain/hold';
import {
  SIGNALS,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  dispatchOrderWorkflowId,
  releaseHoldWorkflowId,
} from '../../domain/temporal-names';
import type { PolicyOverrides } from '../../domain/policy';
import { DEFAULT_POLICY } from '../../domain/policy';
import { checkHealth } from '../../health/check-health';
import { readQueueDepths } from '../../messaging/queue-depths';
import { hold, release } from '../../operations/hold';
import { silentLogger } from '../../runtime/logger';
import { startProxy, type Proxy } from '../../stack/servers/tcp-proxy';
import { patience } from '../patience';
import { runCli } from '../run-cli';
import {
  eventually,
  isLongRun,
  lockAwaited,
  newOrder,
  openTask,
  setup,
  withConnection,
  type TestBed,
} from '../setup';

jest.setTimeout(patience(isLongRun ? 60_000 : 20_000));

const BY_MIA = { actor: 'mia', note: 'the dispatch system is down' };

let bed: TestBed;
let proxy: Proxy;
beforeAll(async () => {
  bed = await setup({
    way: async (amqpUrl) => {
      proxy = await startProxy(amqpUrl);
      return proxy.url;
    },
  });
});
afterAll(async () => {
  await bed.close();
  await proxy.close();
});

const place = (policy: PolicyOverrides = {}) => bed.client.placeOrder(newOrder(), { policy });
const database = () => bed.databases.orders;
const held = (handle: OrderHandle) =>
  eventually(async () => (await handle.status()).isHeld, { what: `${handle.orderId} is held` });
const rowOf = (orderId: string) => bed.orders.order.findUniqueOrThrow({ where: { orderId } });
const answeredFor = (orderId: string) => bed.dispatches.inboxEntry.count({ where: { orderId } });
const releaseAll = async (options: { canaryWithinMs?: number; ratePerSecond?: number } = {}) => {
  const { result } = await release(
    { database: database(), temporal: bed.temporal },
    { actor: 'ben', note: 'it is back', canaryWithinMs: patience(1_500), ...options },
  );
  return result();
};

/** Leaves nothing held and no order that asks again, which the next hold would hold, too. */
afterEach(async () => {
  proxy.mend();
  await bed.orders.hold.updateMany({ where: { endedAt: null }, data: { endedAt: new Date() } });
  const where = { status: { in: ['placed', 'escalated'] } };
  for (const { orderId, requestNumber } of await bed.orders.order.findMany({ where })) {
    const requestId = `${orderId}.${requestNumber}`;
    await bed.acknowledge({ requestId, outcome: 'accepted', courierId: 'courier-1' });
  }
  await eventually(async () => (await bed.orders.order.count({ where })) === 0, {
    what: 'an end of every order',
  });
  if (await findHold(database())) await releaseAll();
});

describe('hold', () => {
  test('orders are accepted and recorded, no request goes out, no attempt is used up, no deadline passes', async () => {
    await hold(database(), BY_MIA);
    const quick = await place();
    const durable = await place({ quickWindowMs: 0 });
    // What is left of it after the release is enough for an answer.
    const short = await place({ dispatchWithinMs: patience(250) });
    const handles = [quick, durable, short];
    for (const handle of handles) await held(handle);
    const deadline = (await rowOf(short.orderId)).dispatchBy;
    await eventually(() => Date.now() > deadline.getTime() + 500, { what: 'its deadline passes' });
    for (const { orderId } of handles) {
      expect(await rowOf(orderId)).toMatchObject({ status: 'placed', attempts: 0 });
      expect(await answeredFor(orderId)).toBe(0);
    }
    expect(await findHold(database())).toMatchObject({ waiting: 3, hold: { heldBy: 'mia' } });

    expect(await releaseAll()).toEqual({ state: 'released', released: 3 });
    for (const handle of handles) {
      expect(await handle.result()).toMatchObject({ status: 'dispatched', attempts: 1 });
      expect(await answeredFor(handle.orderId)).toBe(1);
    }
    // Later by the time that it was held.
    expect((await rowOf(short.orderId)).dispatchBy.getTime()).toBeGreaterThan(
      deadline.getTime() + 500,
    );
    expect(await findHold(database())).toBeUndefined();
  });

  test('an order that one hold has released is held by the next: the attempt that nobody has answered is its last one until release, and its deadline gains only the time that it was held', async () => {
    const order = newOrder();
    let asked = 0;
    let isAnswering = false;
    bed.script(order.orderId, () => {
      asked += 1;
      return isAnswering ? { kind: 'accept', courierId: 'courier-7' } : { kind: 'staySilent' };
    });
    /** How long a hold that was just released had held the order, at most, in ms. */
    const heldWithin = async ({ heldAt }: Hold) => {
      const where = { orderId: order.orderId };
      const { toldAt } = await bed.orders.heldOrder.findUniqueOrThrow({ where });
      return (toldAt?.getTime() ?? 0) - heldAt.getTime();
    };
    const first = await hold(database(), BY_MIA);
    const policy = {
      ...{ quickWindowMs: 0, acknowledgementTimeoutMs: patience(75) },
      ...{ initialIntervalMs: 100, maximumIntervalMs: 100, maximumAttempts: 1_000 },
    };
    const handle = await bed.client.placeOrder(order, { policy });
    await held(handle);
    const before = await rowOf(order.orderId);
    await endHold(database(), first.id);
    expect(await releaseAll()).toMatchObject({ state: 'released', released: 1 });
    const heldFirst = await heldWithin(first);
    await eventually(() => asked > 0, { what: 'attempt 1' });

    const second = await hold(database(), { actor: 'ben', note: 'still broken' });
    await held(handle);
    const { attempts } = await rowOf(order.orderId);
    isAnswering = true;
    expect(await releaseAll()).toMatchObject({ state: 'released', released: 1 });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', attempts: attempts + 1 });
    expect(asked).toBe(attempts + 1);
    const after = await rowOf(order.orderId);
    // Each time is rounded to a millisecond.
    const gained = after.dispatchBy.getTime() - before.dispatchBy.getTime() - 4;
    expect(gained).toBeLessThanOrEqual(heldFirst + (await heldWithin(second)));
  });

  test('cancellations go on', async () => {
    await hold(database(), BY_MIA);
    const handle = await place();
    await held(handle);
    expect(await handle.cancel({ actor: 'c-7', note: 'too late' })).toMatchObject({
      status: 'cancelled',
    });
    expect(await releaseAll()).toMatchObject({ state: 'released' });
    expect(await rowOf(handle.orderId)).toMatchObject({ status: 'cancelled', attempts: 0 });
  });

  test('an answer that comes late is taken', async () => {
    await hold(database(), BY_MIA);
    const handle = await place();
    await held(handle);
    await bed.acknowledge({
      requestId: `${handle.orderId}.1`,
      outcome: 'accepted',
      courierId: 'courier-3',
    });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-3' });
  });

  test('of two that hold at once one wins, and the other is told who, since when and why', async () => {
    const both = await Promise.allSettled([
      hold(database(), BY_MIA),
      hold(database(), { actor: 'ben', note: 'me too' }),
    ]);
    const won = both.findIndex(({ status }) => status === 'fulfilled');
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { reason } = both[1 - won] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(ResolutionRefused);
    expect((reason as Error).message).toMatch(
      won === 0
        ? /^requests are held already, by mia since 2.*Z: the dispatch system is down$/
        : /^requests are held already, by ben since 2.*Z: me too$/,
    );
    expect(await bed.orders.hold.count({ where: { endedAt: null } })).toBe(1);
  });

  test('what one does is in the audit, once', async () => {
    const before = await bed.orders.auditEntry.count();
    await hold(database(), { ...BY_MIA, via: 'web' });
    await expect(hold(database(), BY_MIA)).rejects.toThrow(ResolutionRefused);
    await releaseAll();
    const acts = await bed.orders.auditEntry.findMany({ orderBy: { id: 'asc' }, skip: before });
    expect(acts).toMatchObject([
      { act: 'hold', ...BY_MIA, via: 'web' },
      { act: 'releaseHold', actor: 'ben', note: 'it is back', via: 'cli' },
    ]);
  });
});

describe('release', () => {
  test('a canary that nobody answers leaves the hold in force for all others', async () => {
    await hold(database(), BY_MIA);
    const policy = {
      ...{ acknowledgementTimeoutMs: 500, initialIntervalMs: 100 },
      ...{ maximumIntervalMs: 500, maximumAttempts: 1_000 },
    };
    const handles = await Promise.all(Array.from({ length: 5 }, () => place(policy)));
    for (const handle of handles) await held(handle);
    const asked = new Set<string>();
    for (const { orderId } of handles) {
      bed.script(orderId, () => {
        asked.add(orderId);
        return { kind: 'staySilent' };
      });
    }
    const failed = await releaseAll({ canaryWithinMs: 1_000 });
    expect(failed).toMatchObject({ state: 'canaryFailed', released: 3 });
    expect(failed.unanswered).toHaveLength(3);
    expect(await findHold(database())).toMatchObject({ waiting: 2, hold: { endedAt: null } });
    await eventually(() => asked.size === 3, { what: 'a request of each canary' });
    const late = await place();
    await held(late);
    expect(asked.size).toBe(3);

    for (const { orderId } of handles) {
      bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-9' }));
    }
    expect(await releaseAll()).toMatchObject({ state: 'released', released: 3 });
    for (const { orderId } of [...handles, late]) {
      await eventually(async () => (await answeredFor(orderId)) > 0, {
        what: `a request of ${orderId}`,
      });
    }
  });

  test('a human task is no answer of the canary: the hold stays in force', async () => {
    await hold(database(), BY_MIA);
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order, {
      policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 100, maximumAttempts: 1 },
    });
    await held(handle);
    const releasing = releaseAll({ canaryWithinMs: 600_000 });
    await openTask(handle);
    const nextLook = () =>
      withConnection(bed.ordersDatabaseUrl, async (other) => {
        await other.query('BEGIN');
        await other.query('LOCK TABLE acknowledgements');
        await lockAwaited(bed.orders);
      });
    await nextLook();
    // It found the human task, and looks once more.
    await nextLook();
    expect(await findHold(database())).toMatchObject({ hold: { endedAt: null } });
    await handle.cancel({ actor: 'c-7', note: 'too late' });
    expect(await releasing).toEqual({ state: 'released', released: 1 });
  });

  test('what came before the release does not answer for its canary', async () => {
    await hold(database(), BY_MIA);
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order);
    await held(handle);
    // Of a request that was never made: it is in the ledger, and moves nothing.
    await bed.acknowledge({
      ...{ requestId: `${order.orderId}.9`, outcome: 'accepted', courierId: 'courier-3' },
    });
    await eventually(
      async () =>
        (await bed.orders.acknowledgement.count({ where: { orderId: order.orderId } })) === 1,
    );
    expect(await releaseAll({ canaryWithinMs: 500 })).toMatchObject({
      state: 'canaryFailed',
      unanswered: [order.orderId],
    });
    expect(await findHold(database())).toMatchObject({ hold: { endedAt: null } });
  });

  test('once a hold has ended, whoever still waits is released without a canary', async () => {
    const { id } = await hold(database(), BY_MIA);
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    await held(await bed.client.placeOrder(order));
    await endHold(database(), id);
    expect(await releaseAll({ canaryWithinMs: 500 })).toEqual({ state: 'released', released: 1 });
  });

  test('an order that is recorded while a hold ends is not held, or is on its list', async () => {
    const { id } = await hold(database(), BY_MIA);
    const order = newOrder();
    const record = () =>
      insertOrRead(
        database(),
        {
          order,
          contentHash: contentHash(order),
          policy: DEFAULT_POLICY,
          dispatchBy: new Date(Date.now() + 3_600_000).toISOString(),
        },
        { attempt: true },
      );
    const progress = await withConnection(bed.ordersDatabaseUrl, async (other) => {
      // While an order is being recorded, the hold does not end.
      await other.query('BEGIN');
      await other.query('SELECT id FROM holds WHERE ended_at IS NULL FOR SHARE');
      const ending = endHold(database(), id);
      await lockAwaited(bed.orders);
      await other.query('ROLLBACK');
      await ending;
      await bed.orders.hold.update({ where: { id }, data: { endedAt: null } });
      // While it ends, an order that is recorded waits, and is not held.
      await other.query('BEGIN');
      await other.query('UPDATE holds SET ended_at = now()');
      const recording = record();
      await lockAwaited(bed.orders);
      await other.query('COMMIT');
      return recording;
    });
    expect(progress).not.toHaveProperty('holdId');
    expect(progress.order.attempts).toBe(1);
  });

  test('an order that was released, and whose workflow was not told, is told by the next release; its deadline moves once', async () => {
    const { id } = await hold(database(), BY_MIA);
    const handle = await place();
    await held(handle);
    const first = await releaseOrders(database(), { holdId: id, limit: 10 });
    const { dispatchBy } = await rowOf(handle.orderId);
    expect(first.waiting).toEqual([{ orderId: handle.orderId, dispatchBy }]);
    expect(await releaseAll()).toEqual({ state: 'released', released: 1 });
    expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    expect((await rowOf(handle.orderId)).dispatchBy).toEqual(dispatchBy);
  });

  test('a release that is known before the result that says what it releases is taken, once', async () => {
    const order = newOrder();
    const { id } = await hold(database(), BY_MIA);
    const workflowId = dispatchOrderWorkflowId(order.orderId);
    await bed.temporal.workflow.signalWithStart(WORKFLOW_TYPES.dispatchOrder, {
      taskQueue: TASK_QUEUES.main,
      workflowId,
      args: [{ order }],
      signal: SIGNALS.released,
      signalArgs: [{ holdId: id, dispatchBy: new Date(Date.now() + 3_600_000).toISOString() }],
    });
    const asks = async () => {
      const { events } = await bed.temporal.workflow.getHandle(workflowId).fetchHistory();
      const types = events?.map((event) => event.activityTaskScheduledEventAttributes);
      return types?.filter((scheduled) => scheduled?.activityType?.name === 'requestDispatch');
    };
    // It asks again, and as the hold is in force for it still, it waits again.
    await eventually(async () => (await asks())?.length === 1, { what: 'a second look' });
    const handle = bed.client.getOrder(order.orderId);
    await held(handle);
    expect(await asks()).toHaveLength(1);
    await releaseAll();
    expect(await handle.result()).toMatchObject({ status: 'dispatched' });
  });

  test('another hold stops a release, and keeps the rest', async () => {
    await hold(database(), BY_MIA);
    const handles = await Promise.all(Array.from({ length: 8 }, () => place()));
    for (const handle of handles) await held(handle);
    const [fourth] = await bed.orders.heldOrder.findMany({
      where: { toldAt: null },
      orderBy: [{ heldAt: 'asc' }, { orderId: 'asc' }],
      skip: 3,
    });
    // After its three canaries it stands at the fourth until there is another hold.
    const releasing = await bed.orders.$transaction(async (rows) => {
      await rows.$executeRaw`
        SELECT 1 FROM held_orders WHERE order_id = ${fourth?.orderId} FOR UPDATE`;
      const begun = await release(
        { database: database(), temporal: bed.temporal },
        { ...BY_MIA, canaryWithinMs: patience(1_500), ratePerSecond: 1 },
      );
      await eventually(
        async () => (await bed.orders.hold.count({ where: { endedAt: null } })) === 0,
      );
      await lockAwaited(bed.orders);
      await hold(database(), { actor: 'ben', note: 'still broken' });
      return begun;
    });
    const { state, released } = await releasing.result();
    expect(state).toBe('heldAgain');
    expect(released).toBeLessThan(5);
    // If the fourth was released just then, it came too late, and waits again.
    await eventually(async () => (await findHold(database()))?.waiting === 5);
    expect(await findHold(database())).toMatchObject({ hold: { heldBy: 'ben' } });
    expect(await releaseAll()).toMatchObject({ state: 'released' });
    for (const handle of handles) {
      expect(await handle.result()).toMatchObject({ status: 'dispatched', attempts: 1 });
    }
  });

  test('no more orders a second go on than were asked for, also after a standstill', async () => {
    const { id } = await hold(database(), BY_MIA);
    const handles = await Promise.all(Array.from({ length: 5 }, () => place()));
    for (const handle of handles) await held(handle);
    await endHold(database(), id);
    const { releasing, goesOnAt } = await withConnection(bed.ordersDatabaseUrl, async (other) => {
      await other.query('BEGIN');
      await other.query('SELECT 1 FROM held_orders FOR UPDATE');
      const releasing = releaseAll({ ratePerSecond: 2 });
      await lockAwaited(bed.orders);
      await other.query('SELECT pg_sleep(2.5)');
      const { rows } = await other.query<{ at: Date }>('SELECT clock_timestamp() AS at');
      return { releasing, goesOnAt: rows[0]?.at.getTime() ?? Infinity };
    });
    expect(await releasing).toEqual({ state: 'released', released: 5 });
    const [last] = await bed.orders.heldOrder.findMany({
      where: { orderId: { in: handles.map(({ orderId }) => orderId) } },
      orderBy: { releasedAt: 'desc' },
    });
    // The page that stood still and the next one, and a second after that one the last order.
    expect(last?.releasedAt?.getTime()).toBeGreaterThan(goesOnAt + 995);
  });

  test('a release that is terminated says that the orders wait still', async () => {
    const { id } = await hold(database(), BY_MIA);
    const handle = await place();
    bed.script(handle.orderId, () => ({ kind: 'staySilent' }));
    await held(handle);
    const releasing = releaseAll({ canaryWithinMs: 3_600_000 }).catch((error: unknown) => error);
    const workflowId = releaseHoldWorkflowId(id);
    await eventually(async () => {
      await bed.temporal.workflow.getHandle(workflowId).terminate();
      return true;
    });
    expect(await releasing).toEqual(
      new ResolutionRefused(
        `${workflowId} was ended before all orders were released: the others wait still, until they are released again`,
      ),
    );
  });

  test('nothing that is not held is released', async () => {
    await expect(releaseAll()).rejects.toThrow('nothing is held: there is nothing to release');
  });
});

const COUNT = isLongRun ? 500 : 20;

test(`held in the middle of an outage of the broker, ${COUNT} orders all wait, and all are dispatched after it, each once`, async () => {
  proxy.cut();
  await eventually(() => !bed.worker.ready());
  const handles: OrderHandle[] = [];
  const placed = () => ({ orderId: { in: handles.map(({ orderId }) => orderId) } });
  while (handles.length < COUNT) {
    // Few at a time: on a busy machine the first tasks of a crowd time out all together, again and again.
    handles.push(...(await Promise.all(Array.from({ length: COUNT / 10 }, () => place()))));
    await eventually(
      async () => {
        const where = { ...placed(), attempts: { gt: 0 } };
        return (await bed.orders.order.count({ where })) === handles.length;
      },
      { what: 'attempts that wait for the broker' },
    );
  }
  await hold(database(), BY_MIA);
  await eventually(async () => (await findHold(database()))?.waiting === COUNT, {
    what: `${COUNT} that wait for a release`,
  });
  proxy.mend();
  await eventually(() => bed.worker.ready());
  const { [QUEUES.dispatchRequests]: queue } = await readQueueDepths(
    { url: bed.amqpUrl, name: 'test', log: silentLogger() },
    [QUEUES.dispatchRequests],
  );
  expect(queue).toEqual({ messages: 0, consumers: 1 });
  expect(await bed.orders.order.count({ where: { status: 'escalated' } })).toBe(0);
  expect(await bed.dispatches.inboxEntry.count({ where: placed() })).toBe(0);

  expect(await releaseAll({ ratePerSecond: 200 })).toEqual({ state: 'released', released: COUNT });
  const results = await Promise.all(handles.map((handle) => handle.result()));
  expect(results.filter(({ status }) => status === 'dispatched')).toHaveLength(COUNT);
  expect(await bed.dispatches.dispatch.count({ where: placed() })).toBe(COUNT);
});

describe('people are told', () => {
  const codes = async () => {
    const { findings } = await checkHealth({
      orders: database(),
      ordersDatabaseUrl: bed.ordersDatabaseUrl,
      dispatchView: bed.databases.dispatchView,
      amqpUrl: bed.amqpUrl,
      temporal: bed.temporal,
      copyLagMs: () => undefined,
      log: silentLogger(),
    });
    return findings;
  };

  test('the health check says that requests are held, and of a release that stopped half-way', async () => {
    const { id } = await hold(database(), BY_MIA);
    const handle = await place();
    await held(handle);
    expect(await codes()).toContainEqual(
      expect.objectContaining({
        code: 'requestsHeld',
        severity: 'warning',
        what: expect.stringMatching(/by mia since .*; 1 orders wait: the dispatch/) as string,
      }),
    );
    await endHold(database(), id);
    expect(await codes()).toContainEqual(expect.objectContaining({ code: 'releaseUnfinished' }));
  });

  test('hold and release on the command line', async () => {
    const environment = {
      TEMPORAL_ADDRESS: bed.stack.temporalAddress,
      TEMPORAL_NAMESPACE: bed.namespace,
      ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
    };
    const cli = (...args: string[]) => runCli(args, { environment });
    const begun = await cli('hold', '--actor', 'mia', '--note', 'down');
    expect(begun).toMatchObject({ exitCode: 0 });
    expect(begun.stdout).toMatch(/^no request goes out any more, since /);
    const again = await cli('hold', '--actor', 'ben', '--note', 'down');
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.stderr.replace(/\s+/g, ' ')).toMatch(
      /requests are held already, by mia since \S+: down/,
    );
    const handle = await place();
    await held(handle);
    const why = await cli('why', handle.orderId, '--json');
    expect(JSON.parse(why.stdout)).toMatchObject({
      waitsFor: 'release',
      youCan: ['release', 'wait', 'cancel'],
    });
    expect(why.stdout).toMatch(
      /waiting for its release since \S+: mia holds all requests \(down\)/,
    );
    expect((await cli('show', handle.orderId)).stdout).toContain('placed, held until `release`');
    const released = await cli(
      ...['release', '--rate', '50/s', '--actor', 'mia', '--note', 'up', '--json'],
    );
    expect(released).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(released.stdout)).toMatchObject({ state: 'released', released: 1 });
    expect((await handle.result()).status).toBe('dispatched');
    const nothing = await cli('release', '--actor', 'mia', '--note', 'up');
    expect(nothing).toMatchObject({ exitCode: 1 });
    expect(nothing.stderr).toContain('nothing is held');
    for (const args of [['hold'], ['release', '--actor', 'mia'], ['release', '--rate', '0']]) {
      expect(await cli(...args)).toMatchObject({ exitCode: 2 });
    }
  });
});
