import { join } from 'node:path';
import { findDispatchRows, openDispatchView } from '../../database/dispatch/dispatch-view';
import { applyMigrations, pendingMigrations } from '../../database/migrate';
import { openOrdersDatabase } from '../../database/orders/connection';
import { isHeld } from '../../database/orders/holds';
import { examine } from '../../operations/doctor';
import { createDatabase, databaseUrl, dropDatabase } from '../../stack/servers/databases';
import { query } from '../../stack/servers/query';
import { openScope, type Scope } from '../../stack/supervision/scope';
import { moveDatabase, startService, testMainPaths, type RunningService } from '../main-paths';
import { describeWithPgBouncer, startPgBouncer } from '../pgbouncer';
import { createSurroundings, newOrder, sharedServers } from '../setup';

describeWithPgBouncer('through a PgBouncer in transaction mode', () => {
  let scope: Scope;
  let postgresUrl: string;
  let service: RunningService | undefined;
  beforeAll(async () => {
    scope = openScope(join(__dirname, '..', '..', '.local'));
    postgresUrl = await startPgBouncer(scope, sharedServers().postgresUrl);
    const surroundings = await createSurroundings();
    const { ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    await moveDatabase(ordersDatabaseUrl, 'Asia/Kolkata');
    await moveDatabase(dispatchDatabaseUrl, 'America/New_York');
    const through = (url: string) => databaseUrl(postgresUrl, new URL(url).pathname.slice(1));
    service = await startService({
      ...surroundings,
      ordersDatabaseUrl: through(ordersDatabaseUrl),
      dispatchDatabaseUrl: through(dispatchDatabaseUrl),
    });
  });
  afterAll(async () => {
    await service?.stop();
    await scope.end();
  });

  const running = () => service as RunningService;
  testMainPaths('pooled', running);

  test('many orders at once are dispatched, though their statements share a few sessions', async () => {
    const placed = await Promise.all(
      Array.from({ length: 40 }, () => running().client.placeOrder(newOrder())),
    );
    const results = await Promise.all(placed.map((handle) => handle.result()));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['dispatched']));
  });

  test('databases are migrated, by two processes at once, and no lock stays behind', async () => {
    const url = await createDatabase(postgresUrl, `${running().namespace}-new`);
    const target = { url, schema: 'orders' } as const;
    const applied = await Promise.all([applyMigrations(target), applyMigrations(target)]);
    expect(applied.map(({ length }) => length > 0).toSorted()).toEqual([false, true]);
    expect(await pendingMigrations(target)).toEqual([]);
    const locks = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database = (
      SELECT oid FROM pg_database WHERE datname = current_database())`;
    expect(await query(url, locks)).toEqual([]);
    await dropDatabase(postgresUrl, `${running().namespace}-new`);
  });

  test('doctor finds the databases well but for what only the role can set, and the view is only read', async () => {
    const { ordersDatabaseUrl, dispatchDatabaseUrl, stack, namespace } = running();
    const diagnoses = await examine({
      temporal: { access: { address: stack.temporalAddress, namespace } },
      ...{ ordersDatabaseUrl, dispatchDatabaseUrl },
    });
    const found = diagnoses.filter(({ what }) => what.includes('database'));
    const mend: unknown = expect.stringMatching(
      /^ALTER ROLE \S+ SET idle_in_transaction_session_timeout = '60s'$/,
    );
    const warnings = ['order database: idle transactions', 'dispatch database: idle transactions'];
    expect(found.filter(({ state }) => state !== 'ok')).toMatchObject(
      warnings.map((what) => ({ what, state: 'warning', mend })),
    );
    expect(found.length).toBeGreaterThan(5);

    await query(
      dispatchDatabaseUrl,
      `CREATE FUNCTION meddle() RETURNS text LANGUAGE sql AS 'DELETE FROM inbox RETURNING ''live''';
       CREATE OR REPLACE VIEW order_dispatch_dispatches_v1 AS
         SELECT order_id, request_id, courier_id, meddle() AS status, updated_at FROM dispatches`,
    );
    const view = openDispatchView({ url: dispatchDatabaseUrl });
    const [row] = await query<{ id: string }>(
      dispatchDatabaseUrl,
      'SELECT order_id AS id FROM dispatches',
    );
    await expect(findDispatchRows(view, [row?.id ?? ''])).rejects.toThrow(/read-only/);
    await view.close();
  });

  test('without pgbouncer=true in its URL it is refused, and why is said', async () => {
    const url = running().ordersDatabaseUrl.replace('pgbouncer=true', '');
    const orders = openOrdersDatabase({ url });
    await expect(isHeld(orders)).rejects.toThrow(/unsupported startup parameter/);
    await orders.close();
  });
});
