import { join } from 'node:path';
import { OrderDispatchClient } from '../client';
import { CLAIM_LEASE_MS } from '../domain/human-task';
import type { Order } from '../domain/order';
import { DEFAULT_POLICY } from '../domain/policy';
import { DEFAULT_RETENTION } from '../operations/prune-retention';
import { query } from '../stack/servers/query';
import { startProcess } from './processes';
import { runCli } from './run-cli';
import { eventually, newOrder, openTask, type Surroundings } from './setup';

/** The time zone of the processes. */
const TZ = 'America/St_Johns';

const BY_MIA = ['--actor', 'mia', '--note', 'why not'];

const MINUTE_MS = 60_000;

/** That two times are about the same: a time zone that is left out makes hours of it. */
export function expectNear(time: Date | undefined, expected: Date | number): void {
  const apartMs = Math.abs(Number(time) - Number(expected));
  expect(apartMs).toBeLessThan(30 * MINUTE_MS);
}

/** Has the next connections to a database be in this time zone, and closes those that are not. */
export async function moveDatabase(url: string, zone: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await query(url, `ALTER DATABASE "${name}" SET TimeZone TO '${zone}'`);
  await query(
    url,
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  expect(await query(url, 'SHOW TimeZone')).toEqual([{ TimeZone: zone }]);
}

/** The service as processes, in a time zone of their own. */
export interface RunningService extends Surroundings {
  client: OrderDispatchClient;
  /** Ends the processes, and removes the surroundings. */
  stop: () => Promise<void>;
}

/** Starts a worker and the dispatch system, which does what the demo's orders ask for. */
export async function startService(surroundings: Surroundings): Promise<RunningService> {
  const decide = join(__dirname, '..', 'dist', 'demo', 'decide.js');
  const processes = [
    startProcess('worker', surroundings, { TZ }),
    startProcess('dispatch-system', surroundings, { TZ, DISPATCH_SYSTEM_DECIDE_MODULE: decide }),
  ];
  await Promise.all(processes.map(({ ready }) => ready));
  const { namespace, stack } = surroundings;
  const client = await OrderDispatchClient.connect({ address: stack.temporalAddress, namespace });
  return {
    ...surroundings,
    client,
    stop: async () => {
      for (const each of processes) each.kill('SIGKILL');
      await Promise.all(processes.map(({ exited }) => exited));
      await client.close();
      await surroundings.remove();
    },
  };
}

/**
 * Tests that times are right on the main paths. They are compared with what the databases hold, read by a
 * client that is not ours.
 *
 * @param city makes IDs of these tests' own.
 */
export function testMainPaths(city: string, service: () => RunningService): void {
  const orders = <Row>(sql: string, ...values: unknown[]) =>
    query<Row>(service().ordersDatabaseUrl, sql, values);
  const dispatches = <Row>(sql: string, ...values: unknown[]) =>
    query<Row>(service().dispatchDatabaseUrl, sql, values);
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
      TEMPORAL_ADDRESS: service().stack.temporalAddress,
      TEMPORAL_NAMESPACE: service().namespace,
      ORDERS_DATABASE_URL: service().ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: service().dispatchDatabaseUrl,
    };
    const { exitCode, stdout, stderr } = await runCli(args, { environment });
    if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await cli(...args, '--json'));
  /** Places an order that nobody answers, and waits for its human task. */
  const escalate = async (fields: Partial<Order> = {}) => {
    const handle = await service().client.placeOrder(
      newOrder({ details: { demo: 'silentForEver' }, ...fields }),
      {
        policy: { quickWindowMs: 0, dispatchWithinMs: 1_000, taskDueMs: 0 },
      },
    );
    await openTask(handle);
    return handle;
  };

  test('an order is dispatched, long before its deadline, and a sweep finds it in order', async () => {
    const handle = await service().client.placeOrder(newOrder());
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
        ...['tasks', 'resolve', '--where', `restaurant=${restaurantId}`, '--older-than', olderThan],
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
    const handle = await service().client.placeOrder(newOrder());
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
    expect(await dispatches(`${left} dispatches WHERE order_id LIKE $1`, `gone-${city}-%`)).toEqual(
      [{ id: `gone-${idOf(ages[0])}` }],
    );
  });
}
