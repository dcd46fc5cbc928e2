import { changesFrom, type ChangesPage } from '../../database/changes';
import { findChangedLiveOrders, openDispatchView } from '../../database/dispatch/dispatch-view';
import { pendingMigrations } from '../../database/migrate';
import { readChangeMarks } from '../../database/orders/change-marks';
import { openOrdersDatabase } from '../../database/orders/connection';
import { PrismaClient } from '../../database/orders/generated/client';
import { releaseOrders } from '../../database/orders/holds';
import { findChangedOrders } from '../../database/orders/order-facts';
import { readOrderOverview } from '../../database/orders/order-overview';
import { UtcPostgres } from '../../database/utc-postgres';
import { InvalidConfiguration } from '../../domain/errors';
import { withOperatorDatabases } from '../../operations/open-databases';
import { query } from '../../stack/servers/query';
import {
  expectNear,
  moveDatabase,
  startService,
  testMainPaths,
  type RunningService,
} from '../main-paths';
import { createSurroundings, type Surroundings } from '../setup';

/** Moments on both sides of changes of the clock, of before there were time zones, and far ones. */
const MOMENTS = [
  ...['2026-03-08T06:59:59.999Z', '2026-03-08T07:00:00.000Z', '2026-10-25T00:30:00.000Z'],
  ...['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z', '2026-11-30T12:00:00.123Z'],
  ...['1850-01-01T00:00:00.000Z', '9990-12-31T23:59:59.999Z'],
].map((iso) => new Date(iso));

const insertOrder = (url: string, orderId: string, at = new Date()) =>
  query(
    url,
    `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by, updated_at)
     VALUES ($1, '', '{}', '{}', $2, $2)`,
    [orderId, at],
  );

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
    const style = new URL(surroundings.ordersDatabaseUrl);
    style.searchParams.set('options', '-c DateStyle=German');
    const { href: url } = style;
    await insertOrder(url, 'styled');
    await expect(pendingMigrations({ url, schema: 'orders' })).rejects.toThrow(
      InvalidConfiguration,
    );
    const listed = withOperatorDatabases({ ordersDatabaseUrl: url }, ({ orders }) =>
      readOrderOverview(orders, 'styled'),
    );
    await expect(listed).rejects.toThrow(InvalidConfiguration);
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
  let service: RunningService;
  beforeAll(async () => {
    service = await startService(await createSurroundings());
  });
  afterAll(() => service.stop());

  describe.each([
    ['America/New_York', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'America/New_York'],
  ])('the order database in %s, the dispatch database in %s', (ordersZone, dispatchZone) => {
    beforeAll(async () => {
      await moveDatabase(service.ordersDatabaseUrl, ordersZone);
      await moveDatabase(service.dispatchDatabaseUrl, dispatchZone);
    });
    testMainPaths(ordersZone.replace(/.*\//, ''), () => service);
  });
});
