import { join } from 'node:path';
import { OrderDispatchClient } from '../../client';
import { changesFrom, type ChangesPage } from '../../database/changes';
import { findChangedLiveOrders, openDispatchView } from '../../database/dispatch/dispatch-view';
import { readChangeMarks } from '../../database/orders/change-marks';
import { openOrdersDatabase } from '../../database/orders/connection';
import { PrismaClient } from '../../database/orders/generated/client';
import { releaseOrders } from '../../database/orders/holds';
import { findChangedOrders } from '../../database/orders/order-facts';
import { UtcPostgres } from '../../database/utc-postgres';
import { CLAIM_LEASE_MS } from '../../domain/human-task';
import type { Order } from '../../domain/order';
import { DEFAULT_POLICY } from '../../domain/policy';
import { DEFAULT_RETENTION } from '../../operations/prune-retention';
import { query } from '../../stack/servers/query';
import { startProcess, type TestProcess } from '../processes';
import { runCli } from '../run-cli';
import { createSurroundings, eventually, newOrder, openTask, type Surroundings } from '../setup';

/** Moments on both sides of changes of the clock, of before there were time zones, and far ones. */
const MOMENTS = [
  ...['2026-03-08T06:59:59.999Z', '2026-03-08T07:00:00.000Z', '2026-10-25T00:30:00.000Z'],
  ...['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z', '2026-11-30T12:00:00.123Z'],
  ...['1850-01-01T00:00:00.000Z', '9990-12-31T23:59:59.999Z'],
].map((iso) => new Date(iso));

const MINUTE_MS = 60_000;

/** That two times are about the same: a time zone that is left out makes hours of it. */
const expectNear = (time: Date | undefined, expected: Date | number) => {
  const apartMs = Math.abs(Number(time) - Number(expected));
  expect(apartMs).toBeLessThan(30 * MINUTE_MS);
};

const insertOrder = (url: string, orderId: string, at = new Date()) =>
  query(
    url,
    `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by, updated_at)
     VALUES ($1, '', '{}', '{}', $2, $2)`,
    [orderId, at],
  );

/** Has the next connections to a database be in this time zone, and closes those that are not. */
const moveDatabase = async (url: string, zone: string) => {
  const name = new URL(url).pathname.slice(1);
  await query(url, `ALTER DATABASE "${name}" SET TimeZone TO '${zone}'`);
  await query(
    url,
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  expect(await query(url, 'SHOW TimeZone')).toEqual([{ TimeZone: zone }]);
};

let surroundings: Surroundings;
beforeAll(async () => {
  surroundings = await createSurroundings();
});
afterAll(() => surroundings.remove());

describe('a session of any time zone', () => {
  let session: PrismaClient;
  beforeAll(() => {
    const connectionString = surroundings.ordersDatabaseUrl;
    session = new PrismaClient({ adapter: new UtcPostgres({ connectionString, max: 1 }) });
  });
  afterAll(() => session.$disconnect());
  const enter = (zone: string) =>
    session.$queryRaw`SELECT set_config('TimeZone', ${zone}::text, false)`;

  test('reads and writes the same moments', async () => {
    const zones = await session.$queryRaw<{ name: string }[]>`
      SELECT DISTINCT ON (utc_offset, abbrev) name FROM pg_timezone_names
      UNION SELECT unnest(ARRAY['America/New_York', 'Asia/Kolkata', 'America/St_Johns', '<+0530>-5'])`;
    expect(zones.length).toBeGreaterThan(30);
    for (const { name } of zones) {
      await enter(name);
      const [read] = await session.$queryRaw<unknown[]>`
        SELECT ${MOMENTS[0]}::timestamptz AS one, ${MOMENTS}::timestamptz[] AS list,
          ARRAY[NULL, ${MOMENTS[1]}]::timestamptz[] AS some,
          (SELECT array_agg((extract(epoch FROM moment) * 1000)::float8)
            FROM unnest(${MOMENTS}::timestamptz[]) AS moment) AS ms`;
      expect({ name, ...(read as object) }).toEqual({
        ...{ name, one: MOMENTS[0], list: MOMENTS },
        some: [null, MOMENTS[1]],
        ms: MOMENTS.map((moment) => moment.getTime()),
      });
    }
  });

  test.each([
    ['America/New_York', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'America/New_York'],
  ])('%s: a row is found by its times, in %s too', async (here, there) => {
    const [one, other] = MOMENTS.slice(0, 2) as [Date, Date];
    const where = { runId: { startsWith: here } };
    const row = { ...{ orderId: 'o', found: '', done: '', provenance: '' }, before: {}, after: {} };
    await enter(here);
    await session.repair.create({ data: { ...row, runId: `${here} 1`, createdAt: one } });
    await session.$transaction(async (transaction) => {
      await transaction.repair.createMany({
        data: [{ ...row, runId: `${here} 2`, createdAt: other.toISOString() as never }],
      });
      const after = await transaction.repair.findMany({
        where: { ...where, createdAt: { gt: one } },
      });
      expect(after.map(({ createdAt }) => createdAt)).toEqual([other]);
    });
    await enter(there);
    expect(
      await session.repair.count({ where: { createdAt: { in: [one, other] }, ...where } }),
    ).toBe(2);
    const ends = { _min: { createdAt: true }, _max: { createdAt: true } } as const;
    expect(await session.repair.aggregate({ where, ...ends })).toEqual({
      _min: { createdAt: one },
      _max: { createdAt: other },
    });
  });

  test('of a DateStyle that does not name the moment, no time is read, and why is said', async () => {
    await session.$transaction(async (transaction) => {
      await transaction.$executeRaw`SET LOCAL DateStyle = 'German'`;
      await expect(transaction.$queryRaw`SELECT now()`).rejects.toThrow(/DateStyle = 'ISO'/);
    });
    await expect(session.$queryRaw`SELECT 'infinity'::timestamptz`).rejects.toThrow(/'infinity'/);
    await expect(session.$queryRaw`SELECT now() AS now`).resolves.toHaveLength(1);
  });
});

test('an order that was held while the clocks were changed waits as much longer as it was held', async () => {
  const url = surroundings.ordersDatabaseUrl;
  await moveDatabase(url, 'America/New_York');
  const [{ id } = { id: 0 }] = await query<{ id: number }>(
    url,
    `INSERT INTO holds (held_by, note, ended_at) VALUES ('mia', 'a year ago', now()) RETURNING id`,
  );
  // One in each month of a year: some of them have been held over a change or three.
  await query(
    url,
    `WITH held AS (
       INSERT INTO held_orders (hold_id, order_id, held_at)
       SELECT ${id}, 'held-' || n, now() - n * interval '720 hours' FROM generate_series(1, 12) n
       RETURNING *
     )
     INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by)
     SELECT order_id, '', '{}', '{}', held_at FROM held`,
  );
  const database = openOrdersDatabase({ url });
  const { waiting } = await releaseOrders(database, { holdId: id, limit: 100 });
  await database.close();
  expect(waiting).toHaveLength(12);
  for (const { dispatchBy } of waiting) expectNear(dispatchBy, Date.now());
});

test('what has changed is the same in a session of another time zone', async () => {
  const url = surroundings.ordersDatabaseUrl;
  await query(
    url,
    `INSERT INTO human_tasks (task_id, opened_at, kind, escalation_reason, due_at, overdue_at,
       claimed_until, snoozed_until)
     VALUES ('t', now(), 'health', 'unhealthy', now(), now(), now(), now())`,
  );
  await query(url, `INSERT INTO holds (held_by, note, ended_at) VALUES ('mia', '', now())`);
  await insertOrder(url, 'changed');
  const marks = [];
  for (const zone of ['America/New_York', 'Asia/Kolkata']) {
    await moveDatabase(url, zone);
    const database = openOrdersDatabase({ url });
    marks.push(await readChangeMarks(database));
    await database.close();
  }
  expect(marks[0]).toEqual(marks[1]);
});

test('a walk over the changes of either database meets each once, also those within a millisecond', async () => {
  const { ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
  await moveDatabase(ordersDatabaseUrl, 'America/New_York');
  await moveDatabase(dispatchDatabaseUrl, 'Asia/Kolkata');
  const at = new Date('2026-11-30T12:00:00.123Z');
  const orderIds = [1, 2, 3, 4, 5].map((n) => `walked-${n}`);
  for (const orderId of orderIds) await insertOrder(ordersDatabaseUrl, orderId, at);
  // An adopter's, which counts microseconds.
  await query(
    dispatchDatabaseUrl,
    `DROP VIEW order_dispatch_dispatches_v1; CREATE VIEW order_dispatch_dispatches_v1 AS
       SELECT 'walked-' || n AS order_id, '' AS request_id, '' AS courier_id, 'live' AS status,
         '${at.toISOString()}'::timestamptz + n * interval '1 microsecond' AS updated_at
       FROM generate_series(1, 5) AS n`,
  );
  const orders = openOrdersDatabase({ url: ordersDatabaseUrl });
  const view = openDispatchView({ url: dispatchDatabaseUrl });
  for (const read of [
    (page: ChangesPage) => findChangedOrders(orders, page),
    (page: ChangesPage) => findChangedLiveOrders(view, page),
  ]) {
    const met: string[] = [];
    let after = changesFrom(at);
    for (let page = 0; page < 4; page += 1) {
      const until = new Date(at.getTime() + 1);
      for (after of await read({ after, until, limit: 2 })) met.push(after.orderId);
    }
    expect(met).toEqual(orderIds);
  }
  await Promise.all([orders.close(), view.close()]);
});

describe("the service, whose processes are in St. John's", () => {
  const TZ = 'America/St_Johns';
  let service: Surroundings;
  let client: OrderDispatchClient;
  let processes: TestProcess[] = [];
  beforeAll(async () => {
    service = await createSurroundings();
    const decide = join(__dirname, '..', '..', 'dist', 'demo', 'decide.js');
    processes = [
      startProcess('worker', service, { TZ }),
      startProcess('dispatch-system', service, { TZ, DISPATCH_SYSTEM_DECIDE_MODULE: decide }),
    ];
    await Promise.all(processes.map(({ ready }) => ready));
    const { namespace, stack } = service;
    client = await OrderDispatchClient.connect({ address: stack.temporalAddress, namespace });
  });
  afterAll(async () => {
    for (const each of processes) each.kill('SIGKILL');
    await Promise.all(processes.map(({ exited }) => exited));
    await client.close();
    await service.remove();
  });

  const orders = <Row>(sql: string, ...values: unknown[]) =>
    query<Row>(service.ordersDatabaseUrl, sql, values);
  const dispatches = <Row>(sql: string, ...values: unknown[]) =>
    query<Row>(service.dispatchDatabaseUrl, sql, values);
  const orderRow = async (orderId: string) => {
    const [row] = await orders<{ created_at: Date; dispatch_by: Date }>(
      'SELECT * FROM orders WHERE order_id = $1',
      orderId,
    );
    return row as NonNullable<typeof row>;
  };
  const cli = async (...args: string[]) => {
    const environment = {
      TZ,
      TEMPORAL_ADDRESS: service.stack.temporalAddress,
      TEMPORAL_NAMESPACE: service.namespace,
      ORDERS_DATABASE_URL: service.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: service.dispatchDatabaseUrl,
    };
    const { exitCode, stdout, stderr } = await runCli(args, { environment });
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await cli(...args, '--json'));
  const BY_MIA = ['--actor', 'mia', '--note', 'why not'];

  /** Places an order that nobody answers, and waits for its human task. */
  const escalate = async (fields: Partial<Order> = {}) => {
    const handle = await client.placeOrder(
      newOrder({ details: { demo: 'silentForEver' }, ...fields }),
      {
        policy: { quickWindowMs: 0, dispatchWithinMs: 2_000, taskDueMs: 0 },
      },
    );
    await openTask(handle);
    return handle;
  };

  describe.each([
    ['America/New_York', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'America/New_York'],
  ])('the order database in %s, the dispatch database in %s', (ordersZone, dispatchZone) => {
    const [, city] = ordersZone.split('/');
    beforeAll(async () => {
      await moveDatabase(service.ordersDatabaseUrl, ordersZone);
      await moveDatabase(service.dispatchDatabaseUrl, dispatchZone);
    });

    test('an order is dispatched, long before its deadline, and a sweep finds it in order', async () => {
      const handle = await client.placeOrder(newOrder());
      expect((await handle.result()).status).toBe('dispatched');
      const row = await orderRow(handle.orderId);
      const expected = row.created_at.getTime() + DEFAULT_POLICY.dispatchWithinMs;
      expectNear(row.dispatch_by, expected);
      expect(await json('show', handle.orderId)).toMatchObject({
        row: { dispatchBy: row.dispatch_by.toISOString(), createdAt: row.created_at.toISOString() },
      });
      const [dispatch] = await dispatches<{ created_at: Date }>(
        'SELECT created_at FROM dispatches WHERE order_id = $1',
        handle.orderId,
      );
      expectNear(dispatch?.created_at, row.created_at);
      const swept = (await json('sweep', '--days', '1', '--minutes', '0')) as {
        looked: number;
        found: string[];
      };
      expect(swept.looked).toBeGreaterThan(0);
      expect(swept.found).not.toContain(handle.orderId);
    });

    test('an order that nobody answers is escalated at its deadline; its task is told of, claimed, snoozed and listed by its times', async () => {
      const { orderId } = await escalate();
      const { created_at: placedAt, dispatch_by: deadline } = await orderRow(orderId);
      const findTask = async () => {
        const [row] = await orders<
          Record<'opened_at' | 'due_at' | 'claimed_until' | 'snoozed_until', Date>
        >('SELECT * FROM human_tasks WHERE order_id = $1', orderId);
        return row as NonNullable<typeof row>;
      };
      const { opened_at: openedAt, due_at: dueAt } = await findTask();
      expectNear(openedAt, deadline);
      expect(openedAt.getTime()).toBeGreaterThan(deadline.getTime() - 1_000);
      const [told] = await eventually(async () => {
        const events = await orders<{ body: object }>(
          `SELECT body FROM outcome_events WHERE subject = $1 AND type = 'human-task.due.v1'`,
          orderId,
        );
        return events.length > 0 && events;
      });
      expect(told?.body).toMatchObject({
        openedAt: openedAt.toISOString(),
        dueAt: dueAt.toISOString(),
      });

      const claimed = (await json('tasks', 'claim', orderId, ...BY_MIA)) as {
        claimedUntil: string;
      };
      const { claimed_until: claimedUntil } = await findTask();
      expect(claimed.claimedUntil).toBe(claimedUntil.toISOString());
      expectNear(claimedUntil, Date.now() + CLAIM_LEASE_MS);
      await expect(cli('tasks', 'claim', orderId, '--actor', 'ben')).rejects.toThrow(/mia/);

      const until = '2099-01-01T12:00:00.000Z';
      await cli('tasks', 'snooze', orderId, '--until', '2099-01-01T08:30:00-03:30', ...BY_MIA);
      expect((await findTask()).snoozed_until.toISOString()).toBe(until);
      const audited = await orders(
        `SELECT facts FROM audit WHERE order_id = $1 AND act = 'snooze'`,
        orderId,
      );
      expect(audited).toEqual([{ facts: { until } }]);
      expect(await json('tasks', 'list', '--claimed-by', 'mia')).toContainEqual(
        expect.objectContaining({
          orderId,
          ...{ escalatedAt: openedAt.toISOString(), dueAt: dueAt.toISOString() },
          ...{ claimedUntil: claimedUntil.toISOString(), snoozedUntil: until },
        }),
      );

      const { entries } = (await json('timeline', orderId)) as { entries: object[] };
      expect(entries[0]).toMatchObject({ what: 'placed', at: placedAt.toISOString() });
      expect(entries).toContainEqual(
        expect.objectContaining({ what: 'escalated', at: openedAt.toISOString() }),
      );
      expect(await cli('timeline', orderId)).toMatch(/ GMT-[23]:30 /);
    });

    test('a bulk run resolves the tasks that were open by then', async () => {
      const restaurantId = `bulk-${city}`;
      const handles = await Promise.all([1, 2].map(() => escalate({ restaurantId })));
      const bulk = (olderThan: string) =>
        cli(
          ...[
            'tasks',
            'resolve',
            '--where',
            `restaurant=${restaurantId}`,
            '--older-than',
            olderThan,
          ],
          ...['--decision', 'cancel', '--yes', ...BY_MIA],
        );
      await expect(bulk('1h')).rejects.toThrow();
      await bulk('0m');
      for (const handle of handles) expect((await handle.result()).status).toBe('cancelled');
      const states = await orders(
        `SELECT r.state FROM bulk_rows r JOIN human_tasks USING (task_id, opened_at)
         WHERE restaurant_id = $1`,
        restaurantId,
      );
      expect(states).toEqual([{ state: 'resolved' }, { state: 'resolved' }]);
    });

    test('an order that is held and released has as much longer as it was held', async () => {
      await cli('hold', ...BY_MIA);
      const handle = await client.placeOrder(newOrder());
      const find = () =>
        orders<{ held_at: Date; released_at: Date | null }>(
          'SELECT * FROM held_orders WHERE order_id = $1',
          handle.orderId,
        );
      await eventually(async () => (await find()).length > 0, { what: 'an order that is held' });
      await cli('release', ...BY_MIA);
      expect((await handle.result()).status).toBe('dispatched');
      const [held] = await find();
      const { created_at: placedAt, dispatch_by: deadline } = await orderRow(handle.orderId);
      const heldMs = (held?.released_at?.getTime() ?? 0) - (held?.held_at.getTime() ?? 0);
      expectNear(deadline, placedAt.getTime() + DEFAULT_POLICY.dispatchWithinMs + heldMs);
    });

    test('the list takes orders by their age, page by page', async () => {
      const restaurantId = `list-${city}`;
      for (const minutes of [50, 70, 80]) {
        await orders(
          `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by, created_at)
           VALUES ($1, '', $2, '{}', now(), now() - $3 * interval '1 min')`,
          ...[`${restaurantId}-${minutes}`, { restaurantId }, minutes],
        );
      }
      const list = async (...args: string[]) =>
        (await json(
          ...['list', '--restaurant', restaurantId, '--older-than', '1h', '--limit', '1', ...args],
        )) as { orders: { orderId: string; placedAt: string }[]; next: string | null };
      const first = await list();
      const second = await list('--after', first.next ?? '');
      expect(second.next).toBeNull();
      const listed = [...first.orders, ...second.orders];
      expect(listed.map(({ orderId }) => orderId)).toEqual(
        [80, 70].map((minutes) => `${restaurantId}-${minutes}`),
      );
      for (const { orderId, placedAt } of listed) {
        expect(placedAt).toBe((await orderRow(orderId)).created_at.toISOString());
      }
      await orders(`DELETE FROM orders WHERE "order" ->> 'restaurantId' = $1`, restaurantId);
    });

    test('pruning deletes what is older than its retention, and nothing younger', async () => {
      const { orders: days, dispatches: dispatchDays } = DEFAULT_RETENTION;
      expect(dispatchDays).toBe(days);
      const ages = [days * 24 - 1, days * 24 + 1];
      const idOf = (age: number | undefined) => `${city}-${age}-hours`;
      const at = `SELECT now() - $2 * interval '1 hour' AS at`;
      for (const age of ages) {
        await orders(
          `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by, status,
             created_at, updated_at)
           SELECT $1, '', '{}', '{}', at, 'cancelled', at, at FROM (${at}) AS age`,
          ...[idOf(age), age],
        );
        await dispatches(
          `INSERT INTO dispatches (order_id, request_id, content_hash, courier_id, created_at,
             updated_at)
           SELECT $1, '', '', '', at, at FROM (${at}) AS age`,
          ...[`gone-${idOf(age)}`, age],
        );
      }
      await cli('prune');
      const left = 'SELECT order_id AS id FROM';
      expect(await orders(`${left} orders WHERE order_id = ANY($1)`, ages.map(idOf))).toEqual([
        { id: idOf(ages[0]) },
      ]);
      expect(
        await dispatches(`${left} dispatches WHERE order_id LIKE $1`, `gone-${city}-%`),
      ).toEqual([{ id: `gone-${idOf(ages[0])}` }]);
    });
  });
});
