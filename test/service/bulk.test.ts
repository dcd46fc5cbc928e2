import { Client } from '@temporalio/client';
import type { OrderHandle, PolicyOverrides } from '../../client';
import { insertBulkRun } from '../../database/orders/bulk';
import { escalate as escalateRow } from '../../database/orders/change-order';
import type { OrdersDatabase } from '../../database/orders/connection';
import { insertOrRead } from '../../database/orders/record-order';
import { contentHash } from '../../domain/content-hash';
import { ResolutionRefused } from '../../domain/errors';
import { DEFAULT_POLICY, effectivePolicy } from '../../domain/policy';
import { bulkUpdateId } from '../../domain/bulk';
import { dispatchOrderWorkflowId, resolveTasksWorkflowId } from '../../domain/temporal-names';
import {
  abortBulk,
  listBulk,
  planBulk,
  reportBulk,
  resumeBulk,
  startBulk,
  type BulkOrder,
} from '../../operations/bulk';
import { startDispatchOrder } from '../../temporal/start-workflows';
import { startProcess, type TestProcess } from '../processes';
import { runCli, startCli } from '../run-cli';
import { eventually, isLongRun, newOrder, openTask, setup, type TestBed } from '../setup';

/** Silence becomes a human task within half a second. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 400,
  initialIntervalMs: 50,
  maximumAttempts: 1,
};

/** For a worker that is killed while an attempt is under way: the next one follows. */
const PATIENT: PolicyOverrides = {
  ...IMPATIENT,
  acknowledgementTimeoutMs: 5_000,
  maximumAttempts: 10,
};

const BY_MIA = { actor: 'mia', note: 'couriers are back', via: 'cli' } as const;

let bed: TestBed;
beforeAll(async () => (bed = await setup({ policy: IMPATIENT })), 60_000);
/** Workers of their own, which a test that fails leaves behind. */
const workers: TestProcess[] = [];
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await bed.close();
});

const database = () => bed.databases.orders;

/** Restaurants keep the tests of this file apart. */
let restaurants = 0;
const newRestaurant = () => `bulk-${(restaurants += 1)}`;

const escalate = async (restaurantId: string) => {
  const order = newOrder({ restaurantId });
  bed.script(order.orderId, ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
  );
  const handle = await bed.client.placeOrder(order);
  await openTask(handle);
  return handle;
};
const escalateMany = async (restaurantId: string, count: number) => {
  const handles = await Promise.all(Array.from({ length: count }, () => escalate(restaurantId)));
  const at = await bed.orders.humanTask.findMany({
    where: { restaurantId },
    orderBy: [{ openedAt: 'asc' }, { taskId: 'asc' }],
  });
  // In the order in which a run resolves them.
  return at.flatMap(({ orderId }) => handles.filter((handle) => handle.orderId === orderId));
};
const acceptFromNowOn = ({ orderId }: OrderHandle) =>
  bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-5' }));

const begin = (restaurantId: string, fields: Partial<BulkOrder> = {}) =>
  startBulk(
    { database: database(), temporal: bed.temporal },
    { filter: { restaurantId }, decision: 'retry', ratePerSecond: 100, ...BY_MIA, ...fields },
  );
const ended = (bulkId: number, withinMs = 30_000) =>
  eventually(
    async () => {
      const report = await reportBulk(database(), bulkId);
      return report.run.state !== 'running' && report;
    },
    { what: `the end of bulk run ${bulkId}`, withinMs },
  );
const resolutionsOf = (orderIds: string[]) =>
  bed.orders.auditEntry.findMany({ where: { act: 'resolve', orderId: { in: orderIds } } });
const bulkActs = async (bulkId: number) => {
  const acts = await bed.orders.auditEntry.findMany({
    where: { act: { in: ['bulk', 'abortBulk'] } },
    orderBy: { id: 'asc' },
  });
  return acts.filter(({ facts }) => (facts as { bulkId: number }).bulkId === bulkId);
};

describe('one decision about many tasks', () => {
  test('resolves each of the set once, and every order goes on; the run and each decision are in the audit', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 8);
    const orderIds = handles.map(({ orderId }) => orderId);
    handles.forEach(acceptFromNowOn);
    const { bulkId, tasks, workflowId } = await begin(restaurantId, { via: 'web' });
    expect({ tasks, workflowId }).toEqual({ tasks: 8, workflowId: resolveTasksWorkflowId(bulkId) });
    expect(await ended(bulkId)).toMatchObject({
      run: { state: 'done' },
      counts: { resolved: 8, refused: 0, failed: 0, pending: 0, skipped: 0 },
    });
    expect(await bed.temporal.workflow.getHandle(workflowId).result()).toEqual({ state: 'done' });
    for (const handle of handles) {
      expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    }
    const resolutions = await resolutionsOf(orderIds);
    expect(resolutions.map(({ orderId }) => orderId).sort()).toEqual([...orderIds].sort());
    expect(resolutions[0]).toMatchObject({ ...BY_MIA, via: 'web', decision: 'retry' });
    expect(await bulkActs(bulkId)).toMatchObject([
      { act: 'bulk', ...BY_MIA, via: 'web', facts: { bulkId, decision: 'retry', count: 8 } },
    ]);
  });

  test('is about a frozen set: a task that opens later is not touched', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 4);
    handles.forEach(acceptFromNowOn);
    const { bulkId, tasks } = await begin(restaurantId, { ratePerSecond: 2 });
    const later = await escalate(restaurantId);
    expect(tasks).toBe(4);
    expect(await ended(bulkId)).toMatchObject({ counts: { resolved: 4 } });
    expect(await later.status()).toMatchObject({ status: 'escalated' });
    expect(await resolutionsOf([later.orderId])).toEqual([]);
  });

  test('leaves alone another task that the same order has by the time', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 2);
    const [first, second] = handles;
    if (!first || !second) throw new Error('two orders');
    acceptFromNowOn(first);
    const { bulkId } = await begin(restaurantId, { ratePerSecond: 1 });
    await second.resolve({ decision: 'retry', actor: 'ben', note: 'I try it' });
    const again = await openTask(second);
    const { rows } = await ended(bulkId);
    expect(rows).toMatchObject([{ orderId: second.orderId, state: 'refused' }]);
    expect(await openTask(second)).toMatchObject({ humanTask: again.humanTask });
    expect(await resolutionsOf([second.orderId])).toMatchObject([{ actor: 'ben' }]);
  });

  test('a task that another person decided meanwhile is refused, and says by whom and when; that is no failure', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    const last = handles.at(-1);
    if (!last) throw new Error('three orders');
    handles.slice(0, -1).forEach(acceptFromNowOn);
    const { bulkId } = await begin(restaurantId, { ratePerSecond: 1 });
    await last.resolve({
      decision: 'markDispatched',
      courierId: 'bike-7',
      actor: 'ben',
      note: 'by phone',
    });
    const { run, counts, rows } = await ended(bulkId);
    expect({ run, counts }).toMatchObject({
      run: { state: 'done' },
      counts: { resolved: 2, refused: 1, failed: 0 },
    });
    const { closedAt } = await bed.orders.humanTask.findFirstOrThrow({
      where: { orderId: last.orderId },
    });
    expect(rows).toMatchObject([
      { outcome: `decided by ben at ${closedAt?.toISOString()}: markDispatched` },
    ]);
    expect(await last.result()).toMatchObject({ courierId: 'bike-7' });
  });

  test('a canary that fails stops the run, and no other task is touched', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 6);
    const orderIds = handles.map(({ orderId }) => orderId);
    // No order's task takes that.
    const { bulkId } = await begin(restaurantId, { decision: 'keep' });
    const { run, counts, rows } = await ended(bulkId);
    expect({ run, counts }).toMatchObject({
      run: { state: 'canaryFailed' },
      counts: { resolved: 0, failed: 1, skipped: 5 },
    });
    expect(rows).toMatchObject([
      {
        n: 1,
        orderId: orderIds[0],
        outcome: 'keep is not possible here, only retry, markDispatched, cancel',
      },
    ]);
    expect(await resolutionsOf(orderIds)).toEqual([]);
  });

  test('a failure among the first few stops it, however many went well before', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 6);
    const orderIds = handles.map(({ orderId }) => orderId);
    const [, , third] = orderIds;
    if (third === undefined) throw new Error('six orders');
    handles.forEach(acceptFromNowOn);
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(third)).terminate('test');
    const { bulkId } = await begin(restaurantId);
    expect(await ended(bulkId)).toMatchObject({
      run: { state: 'canaryFailed' },
      counts: { resolved: 2, failed: 1, skipped: 3 },
      rows: [{ orderId: third, outcome: expect.stringContaining('sweep finds it') as string }],
    });
    expect(await resolutionsOf(orderIds)).toHaveLength(2);
  });

  test('a failure among the first few stops it also where its worker was lost right after', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    handles.forEach(acceptFromNowOn);
    const filter = { restaurantId };
    const run = { ...BY_MIA, decision: 'retry', filter, ratePerSecond: 20, limit: 10 } as const;
    const { id: bulkId = 0 } = (await insertBulkRun(database(), run)) ?? {};
    await bed.orders.bulkRow.update({
      where: { bulkId_n: { bulkId, n: 1 } },
      data: { state: 'failed', outcome: 'it did not answer' },
    });
    await resumeBulk({ database: database(), temporal: bed.temporal }, bulkId);
    expect(await ended(bulkId)).toMatchObject({
      run: { state: 'canaryFailed' },
      counts: { resolved: 0, failed: 1, skipped: 2 },
    });
  });

  test('with a limit it is about the oldest so many, and no other', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    handles.forEach(acceptFromNowOn);
    const { bulkId, tasks } = await begin(restaurantId, { limit: 2, expected: 2 });
    expect(tasks).toBe(2);
    expect(await ended(bulkId)).toMatchObject({ counts: { resolved: 2, skipped: 0 } });
    const orderIds = handles.map(({ orderId }) => orderId);
    const resolved = (await resolutionsOf(orderIds)).map(({ orderId }) => orderId);
    expect(resolved.sort()).toEqual(orderIds.slice(0, 2).sort());
  });

  test('a run whose workflow cannot be started is over, and nothing is resolved by it', async () => {
    const restaurantId = newRestaurant();
    const [handle] = await escalateMany(restaurantId, 1);
    const elsewhere = new Client({ connection: bed.temporal.connection, namespace: 'nobodys' });
    const order = { filter: { restaurantId }, decision: 'retry', ...BY_MIA } as const;
    await expect(startBulk({ database: database(), temporal: elsewhere }, order)).rejects.toThrow();
    const [latest] = await listBulk(database(), 1);
    expect(latest).toMatchObject({ run: { filter: { restaurantId }, state: 'aborted' } });
    await expect(
      resumeBulk({ database: database(), temporal: bed.temporal }, latest?.run.id ?? 0),
    ).rejects.toThrow(ResolutionRefused);
    expect(await resolutionsOf([handle?.orderId ?? ''])).toEqual([]);
  });

  test('aborted, it touches nothing more within a second; who and why is in the audit', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 30);
    const orderIds = handles.map(({ orderId }) => orderId);
    handles.forEach(acceptFromNowOn);
    const { bulkId, workflowId } = await begin(restaurantId, { ratePerSecond: 5 });
    await eventually(async () => (await resolutionsOf(orderIds)).length > 4);
    const ben = { actor: 'ben', note: 'not these', via: 'api' } as const;
    const { counts } = await abortBulk(database(), { bulkId, ...ben });
    expect(counts).toMatchObject({ pending: 0 });
    const aborted = Date.now();
    expect(await bed.temporal.workflow.getHandle(workflowId).result()).toEqual({
      state: 'aborted',
    });
    expect(Date.now() - aborted).toBeLessThan(1_000);
    const report = await reportBulk(database(), bulkId);
    expect(report.run).toMatchObject({
      state: 'aborted',
      abortedBy: 'ben',
      abortNote: 'not these',
    });
    // At most what was under way.
    expect(report.counts.resolved - counts.resolved).toBeLessThanOrEqual(1);
    expect(await resolutionsOf(orderIds)).toHaveLength(report.counts.resolved);
    expect(await bulkActs(bulkId)).toMatchObject([
      { act: 'bulk' },
      { act: 'abortBulk', ...ben, facts: { bulkId } },
    ]);
    await expect(abortBulk(database(), { bulkId, ...ben })).rejects.toThrow(
      /is over since .*: aborted/,
    );
  });

  test('a task that was resolved just before its worker was lost counts as resolved, and is not resolved again', async () => {
    const restaurantId = newRestaurant();
    const [handle] = await escalateMany(restaurantId, 1);
    if (!handle) throw new Error('an order');
    const filter = { restaurantId };
    const run = { ...BY_MIA, decision: 'retry', filter, ratePerSecond: 20, limit: 10 } as const;
    const begun = await insertBulkRun(database(), run);
    if (!begun) throw new Error('a run');
    const { openedAt } = await bed.orders.bulkRow.findFirstOrThrow({
      where: { bulkId: begun.id },
    });
    const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId));
    const { actor, note, via } = BY_MIA;
    await workflow.executeUpdate('resolve', {
      args: [{ decision: 'retry', actor, note, via, openedAt: openedAt.toISOString() }],
      updateId: bulkUpdateId(begun.id, 1),
    });
    await openTask(handle);
    await bed.temporal.workflow.start('resolveTasks', {
      taskQueue: 'order-dispatch',
      workflowId: resolveTasksWorkflowId(begun.id),
      args: [{ bulkId: begun.id }],
    });
    expect(await ended(begun.id)).toMatchObject({ counts: { resolved: 1 } });
    expect(await resolutionsOf([handle.orderId])).toHaveLength(1);
  });

  test('nothing begins where no task fits, no condition is given, or each would need a courier', async () => {
    const before = await bed.orders.bulkRun.count();
    const refusals: [Partial<BulkOrder>, RegExp][] = [
      [{}, /no open human task fits/],
      [{ filter: {} }, /at least one condition/],
      [{ decision: 'markDispatched' as 'retry' }, /not possible for many tasks/],
      [{ note: ' ' }, /note/],
    ];
    for (const [fields, message] of refusals) {
      const refused = begin('nobody', fields);
      await expect(refused).rejects.toThrow(ResolutionRefused);
      await expect(refused).rejects.toThrow(message);
    }
    expect(await bed.orders.bulkRun.count()).toBe(before);
  });
});

describe('on the command line', () => {
  const cli = (...args: string[]) =>
    runCli(args, {
      environment: {
        TEMPORAL_ADDRESS: bed.stack.temporalAddress,
        TEMPORAL_NAMESPACE: bed.namespace,
        ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
      },
    });
  const resolveAll = (restaurantId: string, ...args: string[]) =>
    cli(
      ...['tasks', 'resolve', '--where', `restaurant=${restaurantId}`],
      ...['--actor', 'mia', '--note', 'couriers are back', ...args],
    );
  const jsonOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;

  test('a dry run counts and shows some, without a terminal it wants --yes, and then it waits for the end', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    handles.forEach(acceptFromNowOn);
    const before = await bed.orders.bulkRun.count();
    const dry = await resolveAll(restaurantId, '--decision', 'retry', '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0 });
    expect(dry.stdout).toMatch(/^3 open human tasks fit:\n {2}\d \w+\n/);
    expect(dry.stdout).toContain(`dispatch-order/${handles[0]?.orderId}`);
    const unasked = await resolveAll(restaurantId, '--decision', 'retry');
    expect(unasked).toMatchObject({ exitCode: 2 });
    expect(unasked.stderr).toContain('--yes');
    expect(await bed.orders.bulkRun.count()).toBe(before);

    const all = await resolveAll(restaurantId, '--decision', 'retry', '--yes', '--rate', '50/s');
    expect(all).toMatchObject({ exitCode: 0 });
    expect(all.stdout).toMatch(/results +3 resolved/);
    expect(all.stderr).toContain('3 of 3: 3 resolved');
    for (const handle of handles) {
      expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    }
    const nothing = await resolveAll(restaurantId, '--decision', 'retry', '--yes');
    expect(nothing).toMatchObject({ exitCode: 1 });
    expect(nothing.stderr).toContain('no open human task fits');
  });

  test('exits with 1 where one failed; bulk show says why, bulk list has the run', async () => {
    const restaurantId = newRestaurant();
    await escalateMany(restaurantId, 2);
    const failed = await resolveAll(restaurantId, '--decision', 'keep', '--yes', '--json');
    expect(failed).toMatchObject({ exitCode: 1 });
    const report = jsonOf(failed);
    expect(report).toMatchObject({ state: 'canaryFailed', counts: { failed: 1, skipped: 1 } });
    const id = String(report['id']);
    const shown = await cli('bulk', 'show', id);
    expect(shown).toMatchObject({ exitCode: 1 });
    expect(shown.stdout.replace(/\s+/g, ' ')).toContain('failed: keep is not possible here');
    const listed = await cli('bulk', 'list', '--json');
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ id: Number(id), state: 'canaryFailed', actor: 'mia' }),
    );
    expect(await listBulk(database(), 1)).toMatchObject([{ run: { id: Number(id) } }]);
    const { matched } = await planBulk(database(), { filter: { restaurantId }, limit: 1 });
    expect(matched).toBe(1);
  });

  test('bulk abort ends a run that nobody waits for; Ctrl-C ends the looking alone, and says how to look', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 20);
    handles.forEach(acceptFromNowOn);
    const slow = ['--decision', 'retry', '--yes', '--rate', '1/s', '--no-wait', '--json'];
    const { bulkId } = jsonOf(await resolveAll(restaurantId, ...slow));
    const watching = startCli(['bulk', 'show', String(bulkId), '--watch'], {
      environment: { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl },
    });
    await eventually(() => watching.stderr().includes(' of 20'), { what: 'how far it is' });
    watching.interrupt();
    const looked = await watching.ended;
    expect(looked).toMatchObject({ exitCode: 130 });
    expect(looked.stderr.replace(/\s+/g, ' ')).toContain(`bulk show ${String(bulkId)} --watch`);
    const abort = ['bulk', 'abort', String(bulkId), '--actor', 'ben', '--note', 'not these'];
    expect(await cli(...abort)).toMatchObject({ exitCode: 0 });
    expect(await reportBulk(database(), Number(bulkId))).toMatchObject({
      run: { state: 'aborted', abortedBy: 'ben' },
    });
    expect(await cli(...abort)).toMatchObject({ exitCode: 1 });
  });

  test('bulk resume has a run go on whose beginner was killed before its workflow was started', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    handles.forEach(acceptFromNowOn);
    const begun = await insertBulkRun(database(), {
      ...{ ...BY_MIA, decision: 'retry', filter: { restaurantId }, ratePerSecond: 20, limit: 10 },
    });
    if (!begun) throw new Error('nothing was frozen');
    const resume = ['bulk', 'resume', String(begun.id)];
    expect(await cli(...resume)).toMatchObject({ exitCode: 0 });
    expect(await ended(begun.id)).toMatchObject({ counts: { resolved: 3 } });
    expect(await resolutionsOf(handles.map(({ orderId }) => orderId))).toHaveLength(3);
    expect(await cli(...resume)).toMatchObject({ exitCode: 1 });
  });

  test.each<[string[], RegExp]>([
    [['--decision', 'retry'], /which task\? give ORDER\|TASKID or, for many, --where/],
    [['o-1', '--where', 'reason=noAcknowledgement', '--decision', 'retry'], /which task\?/],
    [['o-1', '--rate', '5/s', '--decision', 'retry'], /--rate: goes with --where/],
    [['--where', 'reason=never', '--decision', 'retry'], /--where: reason must be one of /],
    [['--where', 'city=x', '--decision', 'retry'], /--where: must be one of reason=/],
    [['--where', 'kind=order', '--rate', '0/s', '--decision', 'retry'], /--rate: must be from 1/],
    [['--where', 'kind=order', '--decision', 'markDispatched'], /--decision: with --where/],
  ])('%j exits with 2 and says what to do', async (args, message) => {
    const refused = await cli('tasks', 'resolve', ...args, '--actor', 'mia', '--note', 'n');
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr.replace(/\s+/g, ' ')).toMatch(message);
  });
});

const COUNT = isLongRun ? 1_000 : 120;

test(`${COUNT} tasks, with the worker killed in the middle: each is resolved once, and none is left`, async () => {
  const startWorker = async () => {
    const worker = startProcess('worker', bed);
    workers.push(worker);
    await worker.ready;
    return worker;
  };
  const restaurantId = newRestaurant();
  const orders = Array.from({ length: COUNT }, () => newOrder({ restaurantId }));
  await bed.worker.close();
  const first = await startWorker();
  for (let next = 0; next < COUNT; next += 50) {
    // Recorded as escalated, so that each workflow begins at its human task.
    await Promise.all(
      orders.slice(next, next + 50).map((order) => recordEscalated(database(), order)),
    );
    await Promise.all(
      orders
        .slice(next, next + 50)
        .map((order) =>
          startDispatchOrder(
            bed.temporal,
            { order, policy: PATIENT },
            { contentHash: contentHash(order), requestEagerStart: false },
          ),
        ),
    );
  }
  for (const { orderId } of orders) {
    bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-5' }));
  }
  const orderIds = orders.map(({ orderId }) => orderId);
  const { bulkId, tasks } = await begin(restaurantId, { ratePerSecond: 50 });
  expect(tasks).toBe(COUNT);
  await eventually(async () => (await resolutionsOf(orderIds)).length > COUNT / 4, {
    what: 'a quarter of the resolutions',
    withinMs: 120_000,
  });
  first.kill('SIGKILL');
  await first.exited;
  const { counts } = await reportBulk(database(), bulkId);
  expect(counts.pending).toBeGreaterThan(0);
  await startWorker();
  expect(await ended(bulkId, 200_000)).toMatchObject({
    run: { state: 'done' },
    counts: { resolved: COUNT, refused: 0, failed: 0 },
    rows: [],
  });
  const resolutions = await resolutionsOf(orderIds);
  expect(resolutions).toHaveLength(COUNT);
  expect(new Set(resolutions.map(({ orderId }) => orderId)).size).toBe(COUNT);
  await eventually(
    async () =>
      (await bed.orders.order.count({
        where: { orderId: { in: orderIds }, status: 'dispatched' },
      })) === COUNT,
    { what: 'all orders dispatched', withinMs: 120_000 },
  );
  // One retry is one request number more.
  const asked = await bed.orders.order.count({
    where: { orderId: { in: orderIds }, requestNumber: { not: 2 } },
  });
  expect(asked).toBe(0);
}, 500_000);

async function recordEscalated(
  orders: OrdersDatabase,
  order: ReturnType<typeof newOrder>,
): Promise<void> {
  await insertOrRead(
    orders,
    {
      order,
      contentHash: contentHash(order),
      policy: effectivePolicy(DEFAULT_POLICY, PATIENT),
      dispatchBy: new Date(Date.now() + 600_000).toISOString(),
    },
    { attempt: true },
  );
  await escalateRow(orders, {
    orderId: order.orderId,
    requestNumber: 1,
    escalationReason: 'noAcknowledgement',
    at: new Date().toISOString(),
  });
}
