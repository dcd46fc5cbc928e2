import { Client } from '@temporalio/client';
import type { OrderHandle, PolicyOverrides } from '../../client';
import { insertBulkRun } from '../../database/orders/bulk';
import { escalate as escalateRow } from '../../database/orders/change-order';
import type { OrdersDatabase } from '../../database/orders/connection';
import { insertOrRead } from '../../database/orders/record-order';
import { contentHash } from '../../domain/content-hash';
import { defined } from '../../domain/defined';
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
import { patience } from '../patience';
import { startProcess, type TestProcess } from '../processes';
import { errorLine, runCli, startCli } from '../run-cli';
import {
  askPerson,
  eventually,
  isLongRun,
  lockAwaited,
  newOrder,
  openTask,
  setup,
  type TestBed,
} from '../setup';

jest.setTimeout(patience(isLongRun ? 60_000 : 30_000));

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

/** For a worker that is killed while an attempt is under way: the next one follows. */
const PERSISTENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 5_000,
  initialIntervalMs: 50,
  maximumIntervalMs: 1_000,
  maximumAttempts: 1_000,
};

/** How many tasks are resolved while a worker is killed. */
const COUNT = isLongRun ? 1_000 : 40;

const BY_MIA = { actor: 'mia', note: 'couriers are back', via: 'cli' } as const;

let bed: TestBed;
beforeAll(async () => (bed = await setup({ policy: PATIENT })));
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
  await askPerson(bed, handle);
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
/** A run whose tasks are frozen, and that does nothing until it is {@link resume}d. */
const freeze = async (restaurantId: string, ratePerSecond = 100) => {
  const run = { ...BY_MIA, decision: 'retry', filter: { restaurantId }, limit: COUNT } as const;
  const frozen = await insertBulkRun(database(), { ...run, ratePerSecond });
  if (!frozen) throw new Error('nothing was frozen');
  return frozen.id;
};
const resume = (bulkId: number) =>
  resumeBulk({ database: database(), temporal: bed.temporal }, bulkId);
const ended = (bulkId: number, withinMs?: number) =>
  eventually(
    async () => {
      const report = await reportBulk(database(), bulkId);
      return report.run.state !== 'running' && report;
    },
    { what: `the end of bulk run ${bulkId}`, ...defined({ withinMs }) },
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

/** Stops the worker's next decision about a task after its last look at it, until it is opened. */
function gateDecision() {
  let open!: () => void;
  let isReached = false;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const spy = jest.spyOn(Client.prototype, 'withDeadline');
  const pass = spy.getMockImplementation();
  spy.mockImplementationOnce(async function (this: Client, ...given) {
    isReached = true;
    await opened;
    return pass?.apply(this, given);
  });
  return { open, isReached: () => isReached, remove: () => spy.mockRestore() };
}

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

  test('is about a frozen set, no faster than its rate: a task that opens later is not touched', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 4);
    handles.forEach(acceptFromNowOn);
    const bulkId = await freeze(restaurantId, 1);
    const later = await escalate(restaurantId);
    const begunAt = Date.now();
    await resume(bulkId);
    expect(await ended(bulkId)).toMatchObject({ counts: { resolved: 4 } });
    const [last] = await bed.orders.bulkRow.findMany({
      where: { bulkId },
      orderBy: { endedAt: 'desc' },
    });
    // Three pauses of a second lie between the four.
    expect(last?.endedAt?.getTime()).toBeGreaterThan(begunAt + 2_990);
    expect(await later.status()).toMatchObject({ status: 'escalated' });
    expect(await resolutionsOf([later.orderId])).toEqual([]);
  });

  test('leaves alone another task that its order has by the time, also if that opens between the look at the task and its decision', async () => {
    const restaurantId = newRestaurant();
    const [handle] = await escalateMany(restaurantId, 1);
    if (!handle) throw new Error('an order');
    const gate = gateDecision();
    try {
      const { bulkId } = await begin(restaurantId);
      await eventually(gate.isReached, { what: 'a decision' });
      await handle.resolve({ decision: 'retry', actor: 'ben', note: 'I try it' });
      const again = await askPerson(bed, handle, `${handle.orderId}.2`);
      gate.open();
      const { run, counts, rows } = await ended(bulkId);
      expect({ run, counts }).toMatchObject({ run: { state: 'done' }, counts: { refused: 1 } });
      expect(rows).toMatchObject([
        {
          orderId: handle.orderId,
          outcome: expect.stringMatching(/^decided by ben at /) as string,
        },
      ]);
      expect(await openTask(handle)).toMatchObject({ humanTask: again.humanTask });
      expect(await resolutionsOf([handle.orderId])).toMatchObject([{ actor: 'ben' }]);
    } finally {
      gate.open();
      gate.remove();
    }
  });

  test('a task that another person decided meanwhile is refused, and says by whom and when; that is no failure', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    const last = handles.at(-1);
    if (!last) throw new Error('three orders');
    handles.slice(0, -1).forEach(acceptFromNowOn);
    const bulkId = await freeze(restaurantId);
    await last.resolve({
      decision: 'markDispatched',
      courierId: 'bike-7',
      actor: 'ben',
      note: 'by phone',
    });
    await resume(bulkId);
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
    const bulkId = await freeze(restaurantId);
    await bed.orders.bulkRow.update({
      where: { bulkId_n: { bulkId, n: 1 } },
      data: { state: 'failed', outcome: 'it did not answer' },
    });
    await resume(bulkId);
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
    await expect(resume(latest?.run.id ?? 0)).rejects.toThrow(ResolutionRefused);
    expect(await resolutionsOf([handle?.orderId ?? ''])).toEqual([]);
  });

  test('aborted, it touches nothing more but what is under way; who and why is in the audit', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 10);
    const orderIds = handles.map(({ orderId }) => orderId);
    handles.forEach(acceptFromNowOn);
    const ben = { actor: 'ben', note: 'not these', via: 'api' } as const;
    const { bulkId, workflowId, counts } = await bed.orders.$transaction(async (rows) => {
      // It stands at the sixth, one after the other, until it is aborted.
      await rows.$executeRaw`SELECT 1 FROM orders WHERE order_id = ${orderIds[5]} FOR UPDATE`;
      const begun = await begin(restaurantId, { ratePerSecond: 10 });
      await eventually(async () => (await resolutionsOf(orderIds)).length === 5);
      await lockAwaited(bed.orders);
      const { counts } = await abortBulk(database(), { bulkId: begun.bulkId, ...ben });
      return { ...begun, counts };
    });
    expect(counts).toMatchObject({ resolved: 5, pending: 0 });
    expect(await bed.temporal.workflow.getHandle(workflowId).result()).toEqual({
      state: 'aborted',
    });
    const report = await reportBulk(database(), bulkId);
    expect(report.run).toMatchObject({
      state: 'aborted',
      abortedBy: 'ben',
      abortNote: 'not these',
    });
    expect(report.counts).toMatchObject({ resolved: 6, skipped: 4 });
    expect(await resolutionsOf(orderIds)).toHaveLength(6);
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
    const bulkId = await freeze(restaurantId);
    const { openedAt } = await bed.orders.bulkRow.findFirstOrThrow({ where: { bulkId } });
    const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId));
    const { actor, note, via } = BY_MIA;
    await workflow.executeUpdate('resolve', {
      args: [{ decision: 'retry', actor, note, via, openedAt: openedAt.toISOString() }],
      updateId: bulkUpdateId(bulkId, 1),
    });
    await askPerson(bed, handle, `${handle.orderId}.2`);
    await resume(bulkId);
    expect(await ended(bulkId)).toMatchObject({ counts: { resolved: 1 } });
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

  test('bulk resume has a run go on whose beginner was killed before its workflow was started, which bulk show --watch says', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 3);
    handles.forEach(acceptFromNowOn);
    const bulkId = await freeze(restaurantId);
    const resumed = ['bulk', 'resume', String(bulkId)];
    const watched = await cli('bulk', 'show', String(bulkId), '--watch');
    expect([watched.exitCode, errorLine(watched)]).toEqual([
      1,
      expect.stringContaining(
        `error: ResolutionRefused: bulk run ${bulkId} stands still, since its workflow does not run; to have it go on: `,
      ),
    ]);
    expect(await cli(...resumed)).toMatchObject({ exitCode: 0 });
    expect(await ended(bulkId)).toMatchObject({ counts: { resolved: 3 } });
    expect(await resolutionsOf(handles.map(({ orderId }) => orderId))).toHaveLength(3);
    expect(await cli(...resumed)).toMatchObject({ exitCode: 1 });
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

  test('bulk abort ends a run that nobody waits for; Ctrl-C ends the looking alone, and says how to look', async () => {
    const restaurantId = newRestaurant();
    const handles = await escalateMany(restaurantId, 20);
    handles.forEach(acceptFromNowOn);
    // Without a worker it stands, and no test comes after this one that wants it.
    await bed.worker.close();
    const begin = ['--decision', 'retry', '--yes', '--no-wait', '--json'];
    const { bulkId } = jsonOf(await resolveAll(restaurantId, ...begin));
    const watching = startCli(['bulk', 'show', String(bulkId), '--watch'], {
      environment: { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl },
    });
    await eventually(() => watching.stderr().includes(' of 20'), { what: 'how far it is' });
    watching.interrupt();
    const looked = await watching.ended;
    expect(looked).toMatchObject({ exitCode: 130 });
    expect(looked.stderr.replace(/\s*\\?\s+/g, ' ')).toContain(
      `bulk show ${String(bulkId)} --watch`,
    );
    const abort = ['bulk', 'abort', String(bulkId), '--actor', 'ben', '--note', 'not these'];
    expect(await cli(...abort)).toMatchObject({ exitCode: 0 });
    expect(await reportBulk(database(), Number(bulkId))).toMatchObject({
      run: { state: 'aborted', abortedBy: 'ben' },
    });
    expect(await cli(...abort)).toMatchObject({ exitCode: 1 });
  });
});

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
  // Few at a time: on a busy machine the first tasks of a crowd time out all together, again and again.
  for (let next = 0; next < COUNT; next += COUNT / 10) {
    await Promise.all(
      orders.slice(next, next + COUNT / 10).map(async (order) => {
        // Recorded as escalated, so that each workflow begins at its human task.
        await recordEscalated(database(), order);
        await startDispatchOrder(
          bed.temporal,
          { order, policy: PERSISTENT },
          { contentHash: contentHash(order), requestEagerStart: false },
        );
        await openTask(bed.client.getOrder(order.orderId));
      }),
    );
  }
  for (const { orderId } of orders) {
    bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-5' }));
  }
  const orderIds = orders.map(({ orderId }) => orderId);
  const bulkId = await freeze(restaurantId);
  await bed.orders.$transaction(async (rows) => {
    const middle = COUNT / 2;
    await rows.$executeRaw`
      SELECT 1 FROM bulk_rows WHERE bulk_id = ${bulkId} AND n = ${middle} FOR UPDATE`;
    await resume(bulkId);
    // What came of the middle one cannot be recorded.
    await lockAwaited(bed.orders);
    first.kill('SIGKILL');
    await first.exited;
  });
  const { counts } = await reportBulk(database(), bulkId);
  expect(counts.resolved).toBeGreaterThan(0);
  expect(counts.pending).toBeGreaterThan(0);
  await startWorker();
  expect(await ended(bulkId, patience(isLongRun ? 30_000 : 15_000))).toMatchObject({
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
    { what: 'all orders dispatched', withinMs: patience(15_000) },
  );
  // One retry is one request number more.
  const asked = await bed.orders.order.count({
    where: { orderId: { in: orderIds }, requestNumber: { not: 2 } },
  });
  expect(asked).toBe(0);
});

async function recordEscalated(
  orders: OrdersDatabase,
  order: ReturnType<typeof newOrder>,
): Promise<void> {
  await insertOrRead(
    orders,
    {
      order,
      contentHash: contentHash(order),
      policy: effectivePolicy(DEFAULT_POLICY, PERSISTENT),
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
