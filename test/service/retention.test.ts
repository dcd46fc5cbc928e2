import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Runtime } from '@temporalio/worker';
import { openDispatchDatabase, type DispatchDatabase } from '../../database/dispatch/connection';
import { applyMigrations } from '../../database/migrate';
import { openOrdersDatabase, type OrdersDatabase } from '../../database/orders/connection';
import { InvalidConfiguration } from '../../domain/errors';
import { DEFAULT_POLICY, parsePolicyOverrides } from '../../domain/policy';
import type { OperatorDatabases } from '../../operations/open-databases';
import { parseRetention } from '../../operations/parse-retention';
import { prune, type PruneOptions } from '../../operations/prune';
import {
  DEFAULT_RETENTION,
  LONGEST_REQUEST_DAYS,
  RETENTION_RULES,
  type RetainedTable,
} from '../../operations/prune-retention';
import { createDatabase, dropDatabase } from '../../stack/servers/databases';
import { errorLine, runCli } from '../run-cli';
import { createSurroundings, newOrder, type Surroundings } from '../setup';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from '../rows';

const DAY_MS = 24 * 60 * 60 * 1_000;
const NOW = new Date();
// Nothing here speaks to Temporal; an idle runtime would keep the process.
afterAll(() => Runtime.instance().shutdown());

/** The times of a row. */
interface Times {
  begun: Date;
  /** By which its age counts. */
  changed: Date;
  /** All others. */
  other: Date;
}

/** What else a row may say. */
interface Fields {
  orderId: string;
  /** Its state, by the word of its table; most are over. */
  status?: string;
  escalationReason?: string;
}

const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS);

describe('retention settings', () => {
  test.each(RETENTION_RULES)(
    '$table kept for a day less than what depends on it are refused in one line that names both',
    ({ table, than, days, because }) => {
      const measure = than ? DEFAULT_RETENTION[than] : 0;
      const tooFew = measure + days - 1;
      const parse = () => parseRetention({ [table]: tooFew });
      expect(parse).toThrow(InvalidConfiguration);
      const message = messageOf(parse);
      expect(message).toMatch(new RegExp(`^retention\\.${table}: ${tooFew} days [^\\n]*$`));
      expect(message).toContain(because);
      if (than) expect(message).toContain(`retention.${than} (${measure} days)`);
    },
  );

  test('a request can be under way no longer than the policy lets it', () => {
    const dispatchWithinMs = LONGEST_REQUEST_DAYS * DAY_MS;
    expect(parsePolicyOverrides({ dispatchWithinMs })).toEqual({ dispatchWithinMs });
    expect(() => parsePolicyOverrides({ dispatchWithinMs: dispatchWithinMs + 1 })).toThrow();
  });

  test('the defaults keep the rules, and give way to what is given', () => {
    expect(parseRetention({})).toEqual(DEFAULT_RETENTION);
    expect(parseRetention({ orders: 400 })).toEqual({
      ...DEFAULT_RETENTION,
      orders: 400,
      acknowledgements: 400,
      dispatches: 400,
      inbox: 430,
      repairs: 400,
      humanTasks: 400,
    });
  });

  test.each([0, 1.5, NaN, 1e6])('%p days are refused', (inbox) => {
    expect(messageOf(() => parseRetention({ inbox }))).toMatch(/^retention\.inbox: must be/);
  });
});

describe('prune', () => {
  let surroundings: Surroundings;
  let orders: OrdersRows;
  let dispatch: DispatchRows;
  let databases: { orders: OrdersDatabase; dispatch: DispatchDatabase };
  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    await applyMigrations({ url: ordersDatabaseUrl, schema: 'orders' });
    await applyMigrations({ url: dispatchDatabaseUrl, schema: 'dispatch' });
    orders = openOrdersRows(ordersDatabaseUrl);
    dispatch = openDispatchRows(dispatchDatabaseUrl);
    databases = {
      orders: openOrdersDatabase({ url: ordersDatabaseUrl }),
      dispatch: openDispatchDatabase({ url: dispatchDatabaseUrl }),
    };
  });
  beforeEach(async () => {
    await orders.$transaction([
      orders.$queryRaw`SELECT set_config('order_dispatch.keeping', 'retention', true)`,
      orders.$executeRaw`
        TRUNCATE orders, acknowledgements, repairs, human_tasks, dead_letters, audit,
          outcome_events, health_reports, holds, bulk_runs, erasures CASCADE`,
    ]);
    await dispatch.$executeRaw`TRUNCATE dispatches, inbox`;
  });
  afterAll(async () => {
    await orders.$disconnect();
    await dispatch.$disconnect();
    await Promise.all([databases.orders.close(), databases.dispatch.close()]);
    await surroundings.remove();
  });

  /** Inserts a row of each table; the compiler refuses a table that has none. */
  const insert: Record<RetainedTable, (times: Times, fields: Fields) => Promise<unknown>> = {
    orders: ({ begun, changed, other }, { orderId, status = 'dispatched', escalationReason }) =>
      orders.order.create({
        data: {
          ...{ orderId, contentHash: 'x', order: newOrder({ orderId }), policy: DEFAULT_POLICY },
          ...{ status, courierId: 'courier-1', dispatchedBy: 'acknowledgement' },
          ...{ createdAt: begun, updatedAt: changed, dispatchBy: other, decidedAt: other },
          ...(escalationReason !== undefined && { escalationReason, escalatedAt: other }),
        },
      }),
    acknowledgements: ({ changed, other }, { orderId }) =>
      orders.acknowledgement.create({
        data: {
          ...{ orderId, requestId: `${orderId}.1`, messageId: 'm' },
          ...{ outcome: 'accepted', class: 'first', receivedAt: changed, decidedAt: other },
        },
      }),
    repairs: ({ changed }, { orderId }) =>
      orders.repair.create({
        data: {
          ...{ orderId, found: 'the courier of the acknowledgement is on the way', done: 'kept' },
          ...{ before: {}, after: {}, provenance: 'm', runId: orderId, createdAt: changed },
        },
      }),
    humanTasks: ({ begun, changed, other }, { orderId, status = 'closed' }) =>
      orders.humanTask.create({
        data: {
          ...{ taskId: `dispatch-order/${orderId}`, orderId, kind: 'order' },
          ...{ escalationReason: 'rejected', openedAt: begun, dueAt: other, overdueAt: other },
          ...{ toldDueAt: other, toldOverdueAt: other, claimedUntil: other, snoozedUntil: other },
          ...(status === 'closed' && { closedAt: changed, closedBy: 'person' }),
        },
      }),
    deadLetters: ({ begun, changed, other }, { orderId, status: state = 'replayed' }) =>
      orders.deadLetter.create({
        data: {
          ...{ fingerprint: orderId, sourceQueue: 'dispatch.requests', messageId: 'm', orderId },
          ...{ type: 't', appId: 'a', deadLetterReason: 'r', properties: {}, headers: {} },
          ...{ content: Buffer.from('{}'), attempts: 1, state, createdAt: begun },
          ...{ firstFailedAt: other, lastFailedAt: other },
          ...(state !== 'open' && { decidedAt: changed }),
        },
      }),
    audit: ({ changed }, { orderId }) =>
      orders.auditEntry.create({
        data: { at: changed, act: 'resolve', actor: 'ana', via: 'cli', orderId },
      }),
    outcomeEvents: ({ begun, changed }, { orderId, status = 'sent' }) =>
      orders.outcomeEvent.create({
        data: {
          ...{ subject: orderId, type: 'order.dispatched.v1', body: {}, createdAt: begun },
          ...(status === 'sent' && { sentAt: changed }),
        },
      }),
    healthReports: ({ changed, other }) =>
      orders.healthReport.create({ data: { at: changed, report: { at: other.toISOString() } } }),
    holds: ({ begun, changed, other }, { orderId, status = 'told' }) =>
      orders.hold.create({
        data: {
          ...{ heldAt: begun, endedAt: changed, heldBy: 'mia', note: 'down' },
          orders: {
            create: {
              ...{ orderId, heldAt: begun, releasedAt: other },
              toldAt: status === 'told' ? other : null,
            },
          },
        },
      }),
    bulkRuns: ({ begun, changed, other }, { orderId, status: state = 'done' }) =>
      orders.bulkRun.create({
        data: {
          ...{ state, createdAt: begun, endedAt: state === 'running' ? null : changed },
          ...{ actor: 'mia', via: 'cli', note: 'back', decision: 'retry', filter: {} },
          ratePerSecond: 20,
          rows: {
            create: {
              ...{ n: 1, taskId: `dispatch-order/${orderId}`, openedAt: other, endedAt: other },
              ...{ orderId, escalationReason: 'noAcknowledgement' },
            },
          },
        },
      }),
    erasures: ({ changed }) =>
      orders.erasure.create({
        data: { customerHash: 'h', actor: 'a', note: 'n', createdAt: changed },
      }),
    dispatches: ({ begun, changed }, { orderId }) =>
      dispatch.dispatch.create({
        data: {
          ...{ orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-1' },
          ...{ createdAt: begun, updatedAt: changed },
        },
      }),
    inbox: ({ changed, other }, { orderId }) => {
      const requestId = `${orderId}.1`;
      const answer = { requestId, orderId, outcome: 'accepted', decidedAt: other.toISOString() };
      return dispatch.inboxEntry.create({
        data: { requestId, orderId, answer, receivedAt: changed },
      });
    },
  };
  /** The times of a row that changed last so many days ago: those that have no say are today's. */
  const aged = (days: number): Times => ({
    begun: daysAgo(days + 1),
    changed: daysAgo(days),
    other: NOW,
  });
  /** An order with all that is there about it, which last changed so many days ago. */
  const seed = async (
    age: number,
    fields: Omit<Fields, 'orderId'> & { updatedDaysAgo?: number } = {},
  ) => {
    const { orderId } = newOrder();
    const { updatedDaysAgo = age, ...given } = fields;
    const changed = daysAgo(updatedDaysAgo);
    await insert.orders({ ...aged(age), changed }, { ...given, orderId });
    for (const table of ['acknowledgements', 'repairs', 'dispatches', 'inbox'] as const) {
      await insert[table](aged(age), { orderId });
    }
    return orderId;
  };
  const seedDeadLetter = (age: number, status: string, orderId = newOrder().orderId) =>
    insert.deadLetters(aged(age), { orderId, status });
  /** A closed human task, somebody's act and an event that was sent, about the order. */
  const seedPeople = async (age: number, orderId: string) => {
    for (const table of ['humanTasks', 'audit', 'outcomeEvents'] as const) {
      await insert[table](aged(age), { orderId });
    }
  };
  const run = (options: Partial<PruneOptions> = {}, given: OperatorDatabases = databases) =>
    prune(given, {
      retention: DEFAULT_RETENTION,
      batchSize: 1_000,
      dryRun: false,
      now: NOW,
      ...options,
    });
  const rowsOf = ({ tables }: Awaited<ReturnType<typeof prune>>) =>
    Object.fromEntries(tables.map(({ table, rows }) => [table, rows]));
  const orderIds = async () =>
    (await orders.order.findMany({ orderBy: { createdAt: 'asc' } })).map(({ orderId }) => orderId);
  const counts = async () => ({
    orders: await orders.order.count(),
    acknowledgements: await orders.acknowledgement.count(),
    repairs: await orders.repair.count(),
    deadLetters: await orders.deadLetter.count(),
    erasures: await orders.erasure.count(),
    dispatches: await dispatch.dispatch.count(),
    inbox: await dispatch.inboxEntry.count(),
  });

  test('deletes what has outlived its retention, everywhere, and nothing younger', async () => {
    await seed(200);
    await seed(200, { status: 'cancelled' });
    const young = await seed(89);
    await seedDeadLetter(91, 'replayed');
    await seedDeadLetter(89, 'discarded');
    expect(rowsOf(await run())).toEqual({
      orders: 2,
      acknowledgements: 2,
      repairs: 2,
      humanTasks: 0,
      deadLetters: 1,
      audit: 0,
      outcomeEvents: 0,
      healthReports: 0,
      holds: 0,
      bulkRuns: 0,
      erasures: 0,
      dispatches: 2,
      inbox: 2,
    });
    expect(await orderIds()).toEqual([young]);
    expect(await counts()).toMatchObject({ acknowledgements: 1, dispatches: 1, deadLetters: 1 });
  });

  test('what changed last within its retention stays, however old it is; what did not goes, each table by its own days', async () => {
    const tables = Object.keys(insert) as RetainedTable[];
    const each = <Value>(value: (n: number) => Value) =>
      Object.fromEntries(tables.map((table, n) => [table, value(n)])) as Record<
        RetainedTable,
        Value
      >;
    // No two the same, so that a table that goes by the days of another is noticed.
    const retention = each((n) => 100 + 10 * n);
    for (const table of tables) {
      const [changed, longAgo] = [daysAgo(retention[table] - 1), daysAgo(9_000)];
      await insert[table]({ begun: longAgo, changed, other: longAgo }, newOrder());
    }
    expect(rowsOf(await run({ retention }))).toEqual(each(() => 0));
    for (const table of tables) await insert[table](aged(retention[table] + 1), newOrder());
    expect(rowsOf(await run({ retention }))).toEqual(each(() => 1));
  });

  test.each([
    ['is placed', { status: 'placed' }],
    ['is escalated', { status: 'escalated' }],
    ['is cancelling', { status: 'cancelling' }],
    ['changed lately', { updatedDaysAgo: 10 }],
  ])('an order that %s stays with all that is about it, however old', async (_what, fields) => {
    await seed(4_000, fields);
    await run();
    expect(await counts()).toEqual({
      orders: 1,
      acknowledgements: 1,
      repairs: 1,
      deadLetters: 0,
      erasures: 0,
      dispatches: 1,
      inbox: 1,
    });
  });

  test('a final order stays while a person must decide, or while an open dead letter could bring it back', async () => {
    const waits = await seed(203, { escalationReason: 'withdrawalFailed' });
    const replayable = await seed(202);
    await seedDeadLetter(200, 'open', replayable);
    await seedDeadLetter(200, 'discarded', await seed(201));
    await run();
    expect(await orderIds()).toEqual([waits, replayable]);
    expect(await orders.deadLetter.count()).toBe(1);
  });

  test('an order stays while a finding about it waits for a person', async () => {
    const waits = await seed(202);
    await insert.humanTasks(aged(202), { orderId: waits, status: 'open' });
    await seed(201);
    await run();
    expect(await orderIds()).toEqual([waits]);
    expect(await orders.humanTask.count()).toBe(1);
  });

  test('who was asked and who did what goes after its order, never before', async () => {
    const old = await seed(1_200);
    const lives = await seed(1_200, { status: 'placed' });
    await seedPeople(1_200, old);
    await seedPeople(1_200, lives);
    await orders.auditEntry.create({ data: { act: 'hold', actor: 'ana', via: 'cli' } });
    expect(rowsOf(await run())).toMatchObject({ orders: 1, humanTasks: 1, audit: 1 });
    const left = await orders.auditEntry.findMany({ orderBy: { at: 'asc' } });
    expect(left.map(({ act, orderId }) => [act, orderId])).toEqual([
      ['resolve', lives],
      ['hold', null],
    ]);
    expect((await orders.humanTask.findMany()).map(({ orderId }) => orderId)).toEqual([lives]);
  });

  test.each([
    ['an event that was not sent yet', 'outcomeEvents', 'unsent'],
    ['a bulk run that runs', 'bulkRuns', 'running'],
    ['a hold whose release an order still waits for', 'holds', 'untold'],
  ] as const)('%s stays, however old', async (_what, table, status) => {
    await insert[table](aged(4_000), { ...newOrder(), status });
    expect(rowsOf(await run())).toMatchObject({ [table]: 0 });
  });

  test('a hold goes with the list of those that waited, a bulk run with its tasks', async () => {
    for (const table of ['holds', 'bulkRuns'] as const)
      await insert[table](aged(4_000), newOrder());
    expect(rowsOf(await run())).toMatchObject({ holds: 1, bulkRuns: 1 });
    expect(await orders.heldOrder.count()).toBe(0);
    expect(await orders.bulkRow.count()).toBe(0);
  });

  test('a repeat still finds its answer, and a tombstone stands, when the order is gone', async () => {
    await seed(DEFAULT_RETENTION.orders + LONGEST_REQUEST_DAYS);
    expect(rowsOf(await run())).toMatchObject({ orders: 1, dispatches: 1, inbox: 0 });
    expect(await counts()).toMatchObject({ orders: 0, inbox: 1, acknowledgements: 1, repairs: 1 });
  });

  test('the audit of an erasure stays as long as a row that it blanked', async () => {
    const orderId = await seed(2_000, { updatedDaysAgo: 80 });
    const at = daysAgo(2_000);
    const { id } = await orders.erasure.create({
      data: { customerHash: 'h', actor: 'a', note: 'n', createdAt: at },
    });
    await orders.$executeRaw`
      UPDATE orders SET erased_at = ${at}, erasure_id = ${id} WHERE order_id = ${orderId}`;
    expect(rowsOf(await run())).toMatchObject({ orders: 0, erasures: 0 });
    const later = new Date(NOW.getTime() + 20 * DAY_MS);
    expect(rowsOf(await run({ now: later }))).toMatchObject({ orders: 1, erasures: 1 });
  });

  test('a dry run counts exactly what the run then deletes, and deletes nothing', async () => {
    for (const age of [300, 200, 150, 91, 30]) await seed(age);
    await seed(300, { status: 'placed' });
    await seedDeadLetter(100, 'replayed');
    const before = await counts();
    const planned = rowsOf(await run({ dryRun: true, batchSize: 2 }));
    expect(planned).toMatchObject({ orders: 4, acknowledgements: 2, dispatches: 4, inbox: 2 });
    expect(await counts()).toEqual(before);
    expect(rowsOf(await run({ batchSize: 2 }))).toEqual(planned);
  });

  test('it goes batch by batch, the oldest first; stopped in between, the next run goes on', async () => {
    for (const age of [400, 300, 200]) await seed(age);
    const [, , youngest] = await orderIds();
    const interrupt = new AbortController();
    const stopped = await run({
      batchSize: 2,
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(),
    });
    expect(stopped).toMatchObject({ interrupted: true, tables: [{ table: 'orders', rows: 2 }] });
    expect(await orderIds()).toEqual([youngest]);
    // What must outlive the orders is all there.
    expect(await counts()).toMatchObject({ acknowledgements: 3, dispatches: 3, inbox: 3 });
    expect(rowsOf(await run({ batchSize: 2 }))).toMatchObject({ orders: 1, dispatches: 3 });
  });

  test('rows of the dispatch database whose order stays do not keep it from those behind them', async () => {
    for (const age of [400, 399, 398]) await seed(age, { status: 'placed' });
    await seed(300);
    expect(rowsOf(await run({ batchSize: 2 }))).toMatchObject({ dispatches: 1, inbox: 1 });
  });

  test('a row that another transaction holds is left for the next run, not waited for', async () => {
    const [held] = [await seed(200), await seed(199)];
    await orders.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT 1 FROM orders WHERE order_id = ${held} FOR UPDATE`;
      expect(rowsOf(await run())).toMatchObject({ orders: 1 });
    });
    expect(rowsOf(await run())).toMatchObject({ orders: 1 });
  });

  describe('on the command line', () => {
    const environment = () => ({
      ORDERS_DATABASE_URL: surroundings.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: surroundings.dispatchDatabaseUrl,
    });
    const cli = (args: string[], variables: Record<string, string> = environment()) =>
      runCli(['prune', ...args, '--from', 'environment'], { environment: variables });

    test('progress goes to stderr, the table of what went to stdout', async () => {
      for (const age of [200, 199, 198]) await seed(age);
      const planned = await cli(['--dry-run']);
      expect(planned.exitCode).toBe(0);
      expect(planned.stdout).toMatch(/orders +│ orders +│ +90 d │ .* │ +3 │$/m);
      expect(await orders.order.count()).toBe(3);
      const pruned = await cli(['--batch', '2', '--json']);
      expect(pruned.exitCode).toBe(0);
      expect(pruned.stderr).toContain('orders: 2 deleted\norders: 3 deleted\n');
      expect(JSON.parse(pruned.stdout)).toMatchObject({
        dryRun: false,
        interrupted: false,
        retention: DEFAULT_RETENTION,
        tables: expect.arrayContaining([
          expect.objectContaining({ database: 'dispatch', table: 'inbox', days: 180, rows: 3 }),
        ]),
      });
      expect(await orders.order.count()).toBe(0);
    });

    test('Ctrl-C ends it after the batch under way, with what went so far and 130', async () => {
      await orders.$executeRaw`
        INSERT INTO orders (order_id, content_hash, "order", policy, status, dispatch_by,
          created_at, updated_at)
        SELECT 'o-' || n, 'x', '{}', '{}', 'cancelled', now(), now() - interval '200 days',
          now() - interval '200 days' FROM generate_series(1, 20000) n`;
      const program = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
      const args = ['prune', '--batch', '1', '--json', '--from', 'environment'];
      const child = spawn(process.execPath, [program, ...args], {
        env: { PATH: process.env['PATH'], ...environment() },
      });
      let stdout = '';
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.once('data', () => {
        child.stderr.once('data', () => child.kill('SIGINT'));
      });
      const [exitCode] = (await once(child, 'close')) as [number];
      expect(exitCode).toBe(130);
      const { interrupted, tables } = JSON.parse(stdout) as {
        interrupted: boolean;
        tables: { rows: number }[];
      };
      expect({ interrupted, tables: tables.length }).toEqual({ interrupted: true, tables: 1 });
      expect(tables[0]?.rows).toBeGreaterThan(0);
      expect(await orders.order.count()).toBe(20_000 - (tables[0]?.rows ?? 0));
    });

    test.each([
      [['--inbox-days', '100'], /^error: --inbox-days: 100 days are fewer than --orders-days \(90/],
      [['--orders-days', '7'], /^error: --orders-days: 7 days are fewer than 31 days: [^\n]*$/],
      [
        ['--dead-letters-days', 'x'],
        /^error: --dead-letters-days: must be a whole number from 1 to 36500$/,
      ],
      [['--batch', '0'], /^error: --batch: must be a whole number from 1 to 100000$/],
    ])('%p exits with 2 and one line, and deletes nothing', async (args, message) => {
      await seed(2_000);
      const refused = await cli(args);
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(refused)).toMatch(message);
      expect(await orders.order.count()).toBe(1);
    });

    test('without the dispatch database it prunes the order database, and says so', async () => {
      await seed(200);
      const { ORDERS_DATABASE_URL } = environment();
      const pruned = await cli([], { ORDERS_DATABASE_URL });
      expect(pruned.exitCode).toBe(0);
      expect(pruned.stderr).toContain(
        'DISPATCH_DATABASE_URL is not set: dispatches and inbox stay',
      );
      expect(await counts()).toMatchObject({ orders: 0, dispatches: 1, inbox: 1 });
      const { DISPATCH_DATABASE_URL } = environment();
      const refused = await cli([], { DISPATCH_DATABASE_URL });
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(refused)).toContain('ORDERS_DATABASE_URL is not set');
    });

    test('a database that is away, or not migrated, is told in one line', async () => {
      const away = await cli([], { ORDERS_DATABASE_URL: 'postgresql://u:SECRET@127.0.0.1:1/x' });
      expect(away).toMatchObject({ exitCode: 3, stdout: '' });
      expect(errorLine(away)).toMatch(
        /^error: DatabaseUnavailable: the order database at 127\.0\.0\.1:1\/x [^\n]*$/,
      );
      expect(away.stderr).not.toContain('SECRET');
      const name = `${surroundings.namespace}-empty`;
      const empty = await createDatabase(surroundings.stack.postgresUrl, name);
      const unmigrated = await cli([], { ORDERS_DATABASE_URL: empty });
      await dropDatabase(surroundings.stack.postgresUrl, name);
      expect(unmigrated).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(unmigrated)).toMatch(
        /^error: InvalidConfiguration: the order database at .*`.*order-dispatch setup migrate`$/,
      );
    });

    test('with the dispatch database away, nothing goes from the order database', async () => {
      await seed(200);
      const away = await cli([], {
        ...environment(),
        DISPATCH_DATABASE_URL: 'postgresql://u:SECRET@127.0.0.1:1/x',
      });
      expect(away).toMatchObject({ exitCode: 3, stdout: '' });
      expect(errorLine(away)).toMatch(
        /^error: DatabaseUnavailable: the dispatch database at 127\.0\.0\.1:1\/x [^\n]*$/,
      );
      expect(await orders.order.count()).toBe(1);
    });

    test('the help teaches every rule with its reason', async () => {
      const { exitCode, stdout } = await runCli(['prune', '--help']);
      expect(exitCode).toBe(0);
      const words = stdout.replaceAll(/\s+/g, ' ');
      for (const { because } of RETENTION_RULES) expect(words).toContain(because);
    });
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}
