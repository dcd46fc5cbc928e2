import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { OrderDispatchClient, type PolicyOverrides } from '../../client';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { readLastRelease } from '../../scripts/last-release';
import { patience } from '../patience';
import { startProcess, type TestProcess } from '../processes';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from '../rows';
import { createFolder } from '../run-cli';
import { createSurroundings, isLongRun, newOrder, openTask, type Surroundings } from '../setup';

jest.setTimeout(patience(120_000));

/** Building the last release takes minutes: `npm run test:long`. */
const describeLong = isLongRun ? describe : describe.skip;

const ORDERS = 60;

/** Silence becomes a human task at once. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 500,
  maximumAttempts: 1,
};

/** A decision in the words of the last release. */
const BY_HAND = {
  ...{ decision: 'markDispatched' as const, courierId: 'by-hand' },
  ...{ actor: 'ana', note: 'by phone' },
};

type Caller = Pick<OrderDispatchClient, 'placeOrder' | 'getOrder' | 'close'>;

describeLong('the last release beside this one, on this one’s databases', () => {
  let folder: Awaited<ReturnType<typeof createFolder>>;
  let surroundings: Surroundings;
  let connection: Connection;
  let temporal: Client;
  let orders: OrdersRows;
  let dispatches: DispatchRows;
  /** Whoever was built on the last release, and on this one. */
  let callers: { last: Caller; present: Caller };
  const started: TestProcess[] = [];

  beforeAll(async () => {
    folder = await createFolder();
    const { commit } = await readLastRelease();
    const run = (command: string) =>
      promisify(execFile)('sh', ['-e', '-c', command], { cwd: folder.path, maxBuffer: 2 ** 26 });
    await run(`git -C "${join(__dirname, '..', '..')}" archive ${commit} | tar -x`);
    await run('node scripts/setup.mjs');
    surroundings = await createSurroundings();
    const { stack, namespace } = surroundings;
    const address = stack.temporalAddress;
    connection = await Connection.connect({ address });
    temporal = new Client({ connection, namespace });
    orders = openOrdersRows(surroundings.ordersDatabaseUrl);
    dispatches = openDispatchRows(surroundings.dispatchDatabaseUrl);
    const { OrderDispatchClient: Last } = jest.requireActual<{
      OrderDispatchClient: typeof OrderDispatchClient;
    }>(join(folder.path, 'dist', 'client', 'index.js'));
    callers = {
      last: await Last.connect({ address, namespace }),
      present: await OrderDispatchClient.connect({ address, namespace }),
    };
  });
  afterAll(async () => {
    for (const process of started) process.kill('SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
    await callers.last.close();
    await callers.present.close();
    await connection.close();
    await orders.$disconnect();
    await dispatches.$disconnect();
    await surroundings.remove();
    await folder.remove();
  });

  const start = async (name: Parameters<typeof startProcess>[0], release: keyof typeof callers) => {
    const environment = {
      // What an order's ID says: `-silent` is met with silence.
      DISPATCH_SYSTEM_DECIDE_MODULE: join(__dirname, '..', '..', 'dist', 'chaos', 'decide.js'),
    };
    const clone = release === 'last' ? folder.path : undefined;
    const process = startProcess(name, surroundings, environment, clone);
    started.push(process);
    await process.ready;
    return process;
  };
  const placeMany = async (count: number) => {
    const handles = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        (n % 2 ? callers.last : callers.present).placeOrder(newOrder()),
      ),
    );
    return handles.map(({ orderId }) => orderId);
  };
  const escalate = async (n: number) => {
    const order = newOrder({ orderId: `beside-${n}-silent` });
    const caller = n % 2 ? callers.last : callers.present;
    const handle = await caller.placeOrder(order, { policy: IMPATIENT });
    await openTask(handle);
    return order.orderId;
  };
  /** The processes that did a workflow's tasks. */
  const workersOf = async (orderId: string) => {
    const workflow = temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
    const { events } = await workflow.fetchHistory();
    const identities = (events ?? []).flatMap(
      ({ workflowTaskCompletedEventAttributes: completed }) => completed?.identity ?? [],
    );
    return identities.map((identity) => Number(identity.split('@', 1)[0]));
  };
  const expectDispatchedOnce = async (orderId: string) => {
    const { status, courierId } = await callers.present.getOrder(orderId).result();
    expect(status).toBe('dispatched');
    const live = await dispatches.dispatch.findMany({ where: { orderId, status: 'live' } });
    expect(live).toMatchObject([{ courierId }]);
    const where = { orderId, class: 'first', outcome: 'accepted' };
    expect(await orders.acknowledgement.count({ where })).toBe(1);
  };

  test('orders go through the processes of both, and each is dispatched once; people decide in the words of the last one, also after the way back', async () => {
    const kinds = ['dispatch-system', 'supplement', 'worker'] as const;
    const both = await Promise.all(
      kinds.flatMap((kind) => [start(kind, 'last'), start(kind, 'present')]),
    );
    const [lastWorker, presentWorker] = both.slice(-2);
    if (!lastWorker || !presentWorker) throw new Error('no workers');

    const placed = await placeMany(ORDERS);
    await Promise.all(placed.map(expectDispatchedOnce));
    const workers = new Set((await Promise.all(placed.map(workersOf))).flat());
    expect(workers).toEqual(new Set([lastWorker.pid, presentWorker.pid]));

    // Tasks of both, decided while both are there, with this one's alone, and after the way back.
    const tasks = await Promise.all(Array.from({ length: 12 }, (_, n) => escalate(n)));
    const decide = (orderId: string) => callers.last.getOrder(orderId).resolve(BY_HAND);
    await Promise.all(tasks.slice(0, 4).map(decide));
    lastWorker.kill('SIGKILL');
    await lastWorker.exited;
    await Promise.all(tasks.slice(4, 8).map(decide));
    const cancelled = placed.slice(0, 4);
    for (const [n, orderId] of cancelled.entries()) {
      const caller = n % 2 ? callers.last : callers.present;
      await caller.getOrder(orderId).cancel({ actor: 'customer', note: 'no more' });
    }
    await start('worker', 'last');
    presentWorker.kill('SIGTERM');
    await presentWorker.exited;
    await Promise.all(tasks.slice(8).map(decide));
    await Promise.all((await placeMany(ORDERS / 4)).map(expectDispatchedOnce));

    for (const orderId of tasks) {
      expect(await callers.present.getOrder(orderId).result()).toMatchObject({
        ...{ status: 'dispatched', dispatchedBy: 'person', courierId: 'by-hand' },
      });
      expect(await dispatches.dispatch.count({ where: { orderId, status: 'live' } })).toBe(0);
      const where = { orderId, kind: 'order' };
      expect(await orders.humanTask.findMany({ where })).toMatchObject([
        { closedBy: 'person', actor: 'ana' },
      ]);
      expect(await orders.auditEntry.count({ where: { orderId, act: 'resolve' } })).toBe(1);
    }
    for (const orderId of cancelled) {
      expect(await dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
        { status: 'withdrawn' },
      ]);
    }
    expect(await orders.deadLetter.count()).toBe(0);
  });
});
