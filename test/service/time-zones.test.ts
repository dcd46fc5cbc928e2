import { PrismaClient } from '../../database/orders/generated/client';
import { UtcPostgres } from '../../database/utc-postgres';
import { createSurroundings, type Surroundings } from '../setup';

/** Moments on both sides of changes of the clock, of before there were time zones, and far ones. */
const MOMENTS = [
  ...['2026-03-08T06:59:59.999Z', '2026-03-08T07:00:00.000Z', '2026-10-25T00:30:00.000Z'],
  ...['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z', '2026-11-30T12:00:00.123Z'],
  ...['1850-01-01T00:00:00.000Z', '9990-12-31T23:59:59.999Z'],
].map((iso) => new Date(iso));

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
