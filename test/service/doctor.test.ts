import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// eslint-disable-next-line no-restricted-syntax -- a server that is slow by itself
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { msToTs } from '@temporalio/common/lib/time';
import { EXCHANGES, QUEUES } from '../../domain/amqp-names';
import { SCHEDULES } from '../../domain/temporal-names';
import { examine, type DoctorTarget } from '../../operations/doctor';
import { rabbitmqctl } from '../../stack/servers/rabbitmqctl';
import { ensureSchedules } from '../../temporal/schedules';
import { runCli } from '../run-cli';
import { eventually, setup, withConnection, type TestBed } from '../setup';

/** A port on which nothing listens. */
const NOWHERE = '127.0.0.1:1';

let bed: TestBed;
let target: Required<DoctorTarget>;
beforeAll(async () => {
  bed = await setup();
  await bed.startSupplementSystem({ graceMs: 0 });
  await ensureSchedules(bed.temporal);
  target = {
    temporal: { access: { address: bed.stack.temporalAddress, namespace: bed.namespace } },
    ordersDatabaseUrl: bed.ordersDatabaseUrl,
    dispatchDatabaseUrl: bed.dispatchDatabaseUrl,
    amqpUrl: bed.amqpUrl,
    rabbitmqManagementUrl: bed.stack.managementUrl,
  };
});
afterAll(() => bed.close());

const troubles = async (changed: Partial<DoctorTarget> = {}) =>
  (await examine({ ...target, ...changed })).filter(({ state }) => state !== 'ok');
const orderDatabase = (...statements: string[]) =>
  withConnection(bed.ordersDatabaseUrl, async (connection) => {
    for (const statement of statements) await connection.query(statement);
  });

test('all is well where all is there', async () => {
  // Temporal lists a new schedule a moment later.
  const diagnoses = await eventually(async () => {
    const found = await examine(target);
    return found.every(({ state }) => state === 'ok') && found;
  });
  expect(diagnoses.map(({ what }) => what)).toEqual([
    ...['Temporal', `namespace ${bed.namespace}`, 'Temporal: clock'],
    ...['search attributes', 'schedules'],
    ...['task queue order-dispatch', 'task queue order-dispatch-requests'],
    'task queue order-dispatch-supplement',
    ...['order database', 'order database: permissions', 'order database: clock'],
    'order database: migrations',
    ...['dispatch database', 'dispatch database: permissions', 'dispatch database: clock'],
    ...['dispatch database: migrations', "dispatch database's view"],
    ...['RabbitMQ', 'exchanges and queues', 'bindings', 'alarms', 'RabbitMQ: clock'],
  ]);
});

describe('with each thing broken in turn, it names that, what mends it, and nothing else', () => {
  test.each<[string, () => Partial<DoctorTarget>, { what: string; says: RegExp; mend: RegExp }]>([
    [
      'Temporal that does not answer',
      () => ({ temporal: { access: { address: NOWHERE, namespace: 'default' } } }),
      { what: 'Temporal', says: /cannot be reached/, mend: /TEMPORAL_ADDRESS/ },
    ],
    [
      'a namespace that is not there',
      () => ({
        temporal: { access: { address: bed.stack.temporalAddress, namespace: 'nobodys' } },
      }),
      {
        what: 'namespace nobodys',
        says: /not found/i,
        mend: /^temporal operator namespace create --namespace nobodys$/,
      },
    ],
    [
      'an order database that does not answer',
      () => ({ ordersDatabaseUrl: `postgresql://u:p@${NOWHERE}/orders` }),
      { what: 'order database', says: /./, mend: /ORDERS_DATABASE_URL/ },
    ],
    [
      'a broker that does not answer',
      () => ({ amqpUrl: `amqp://u:p@${NOWHERE}/` }),
      { what: 'RabbitMQ', says: /ECONNREFUSED/, mend: /AMQP_URL/ },
    ],
    [
      'a management API that refuses the user',
      () => ({ rabbitmqManagementUrl: bed.stack.managementUrl.replace(/:[^:@]+@/, ':wrong@') }),
      { what: 'bindings and alarms', says: /401/, mend: /monitoring/ },
    ],
  ])('%s', async (_name, changed, { what, says, mend }) => {
    const found = await troubles(changed());
    expect(found).toContainEqual({
      ...{ what, state: 'failed' },
      ...{
        says: expect.stringMatching(says) as string,
        mend: expect.stringMatching(mend) as string,
      },
    });
    // Of what cannot be reached, more than one thing cannot be said.
    const area = new RegExp(`^(?:${what}|bindings)`);
    expect(found.filter((each) => !area.test(each.what))).toEqual([]);
  });

  test('a namespace that nobody has set up, and in which nobody works', async () => {
    const namespace = `${bed.namespace}-bare`;
    await bed.temporal.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    const temporal = { access: { address: bed.stack.temporalAddress, namespace } };
    // Temporal finds a new one a moment later.
    const found = await eventually(async () => {
      const all = await examine({ temporal });
      return all.every(({ says }) => !/not found/i.test(says)) && all;
    });
    const nobody = { state: 'warning', says: 'nobody polls it' };
    const missing = expect.stringMatching(/^missing: /) as string;
    const trouble = found.filter(({ what, mend }) => mend !== undefined && !what.endsWith('clock'));
    expect(trouble).toMatchObject([
      {
        ...{ what: 'search attributes', state: 'failed', says: missing },
        mend: 'order-dispatch setup search-attributes',
      },
      { what: 'schedules', state: 'failed', says: missing },
      { what: 'task queue order-dispatch', ...nobody, mend: 'start a worker' },
      { what: 'task queue order-dispatch-requests', ...nobody, mend: 'start a worker' },
      {
        ...{ what: 'task queue order-dispatch-supplement', ...nobody },
        mend: 'start a supplement system',
      },
    ]);
  });

  test('a schedule that is paused', async () => {
    const schedule = bed.temporal.schedule.getHandle(SCHEDULES.sweepOrders);
    await schedule.pause();
    const found = await eventually(async () => {
      const all = await troubles();
      return all.length > 0 && all;
    }).finally(() => schedule.unpause());
    expect(found).toMatchObject([
      { what: 'schedules', says: `missing: ${SCHEDULES.sweepOrders}`, state: 'failed' },
    ]);
    expect(found[0]?.mend).toContain('order-dispatch setup schedules');
    await eventually(async () => (await troubles()).length === 0);
  });

  test('a migration that is missing', async () => {
    await orderDatabase(
      `CREATE TABLE kept AS SELECT * FROM _prisma_migrations
       WHERE migration_name LIKE '%_holds'`,
      `DELETE FROM _prisma_migrations WHERE migration_name LIKE '%_holds'`,
    );
    const found = await troubles().finally(() =>
      orderDatabase('INSERT INTO _prisma_migrations SELECT * FROM kept', 'DROP TABLE kept'),
    );
    expect(found).toMatchObject([
      {
        what: 'order database: migrations',
        says: expect.stringMatching(/^missing: \d+_holds$/) as string,
        mend: 'order-dispatch setup migrate',
      },
    ]);
  });

  test('a permission that is missing', async () => {
    const user = `doctor_${Date.now()}`;
    await orderDatabase(
      `CREATE ROLE ${user} LOGIN PASSWORD 'p'`,
      `GRANT USAGE ON SCHEMA public TO ${user}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${user}`,
      `REVOKE DELETE ON orders FROM ${user}`,
    );
    const url = new URL(bed.ordersDatabaseUrl);
    url.username = user;
    url.password = 'p';
    const found = await troubles({ ordersDatabaseUrl: url.href }).finally(() =>
      orderDatabase(`DROP OWNED BY ${user}`, `DROP ROLE ${user}`),
    );
    expect(found).toContainEqual({
      ...{ what: 'order database: permissions', state: 'failed', says: 'no DELETE on orders' },
      mend: `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${user}`,
    });
  });

  test('a user whom the broker does not let declare', async () => {
    const [control, user] = [bed.stack.rabbitmqctl, `doctor-${Date.now()}`];
    await rabbitmqctl(control, ['add_user', user, 'p']);
    await rabbitmqctl(control, ['set_permissions', '-p', bed.vhost, user, '', '', '.*']);
    const url = new URL(bed.amqpUrl);
    url.username = user;
    url.password = 'p';
    const found = await troubles({ amqpUrl: url.href }).finally(() =>
      rabbitmqctl(control, ['delete_user', user]),
    );
    expect(found).toContainEqual({
      ...{ what: QUEUES.dispatchRequests, state: 'failed' },
      says: expect.stringContaining('ACCESS_REFUSED') as string,
      mend: expect.stringMatching(/^rabbitmqctl set_permissions /) as string,
    });
    // Nobody is told to delete what is not wrong.
    expect(JSON.stringify(found)).not.toContain('delete_queue');
  });

  test('a view that is not there', async () => {
    await bed.dispatches.$executeRaw`
      ALTER VIEW order_dispatch_dispatches_v1 RENAME TO elsewhere`;
    const found = await troubles().finally(
      () => bed.dispatches.$executeRaw`ALTER VIEW elsewhere RENAME TO order_dispatch_dispatches_v1`,
    );
    expect(found).toMatchObject([
      { what: "dispatch database's view", mend: expect.stringContaining('The view') as string },
    ]);
  });

  test('of a dispatch system that is not ours, only the view is looked at', async () => {
    const user = `adopter_${Date.now()}`;
    await bed.dispatches.$executeRaw`ALTER TABLE _prisma_migrations RENAME TO elsewhere`;
    await bed.dispatches.$executeRawUnsafe(`CREATE ROLE ${user} LOGIN PASSWORD 'p'`);
    await bed.dispatches.$executeRawUnsafe(
      `GRANT SELECT ON order_dispatch_dispatches_v1 TO ${user}`,
    );
    const url = new URL(bed.dispatchDatabaseUrl);
    url.username = user;
    url.password = 'p';
    const found = await troubles({ dispatchDatabaseUrl: url.href }).finally(async () => {
      await bed.dispatches.$executeRawUnsafe(`DROP OWNED BY ${user}`);
      await bed.dispatches.$executeRawUnsafe(`DROP ROLE ${user}`);
      await bed.dispatches.$executeRaw`ALTER TABLE elsewhere RENAME TO _prisma_migrations`;
    });
    expect(found).toEqual([]);
  });

  test('a queue with other arguments, an exchange that is missing, a binding that is gone', async () => {
    const connection = await connect(bed.amqpUrl);
    const channel = await connection.createChannel();
    await bed.dispatchSystem.close();
    try {
      await channel.deleteQueue(QUEUES.dispatchRequests);
      await channel.assertQueue(QUEUES.dispatchRequests, { durable: true });
      const found = await troubles();
      expect(found).toContainEqual({
        ...{ what: QUEUES.dispatchRequests, state: 'failed' },
        says: expect.stringMatching(/PRECONDITION_FAILED/) as string,
        mend: expect.stringContaining(
          `rabbitmqctl delete_queue ${QUEUES.dispatchRequests}`,
        ) as string,
      });
      expect(found).toContainEqual(
        expect.objectContaining({
          what: 'bindings',
          says: expect.stringContaining(`${EXCHANGES.requests} -> dispatch.requests`) as string,
        }),
      );
      // It has looked, and declared nothing.
      await channel.deleteQueue(QUEUES.dispatchRequests);
      expect(await troubles()).toContainEqual(
        expect.objectContaining({
          ...{ what: 'exchanges and queues', state: 'warning' },
          says: `not there yet: ${QUEUES.dispatchRequests}`,
        }),
      );
    } finally {
      // It declares its queue again.
      await channel.deleteQueue(QUEUES.dispatchRequests);
      await connection.close();
      bed.dispatchSystem = await bed.startDispatchSystem();
    }
    await eventually(async () => (await troubles()).length === 0);
  });

  test('a clock of ours that is not as the servers’', async () => {
    const now = Date.now;
    const ahead = jest.spyOn(Date, 'now').mockImplementation(() => now() + 4_000);
    const found = await troubles().finally(() => ahead.mockRestore());
    const servers = ['Temporal', 'order database', 'dispatch database', 'RabbitMQ'];
    expect(found).toMatchObject(
      servers.map((server) => ({
        ...{ what: `${server}: clock`, state: 'warning' },
        says: expect.stringMatching(/^[3-6]\.\d s behind ours$/) as string,
      })),
    );
  });

  test('but not a management API that takes its time, whose clock is right', async () => {
    const { origin, username, password } = new URL(bed.stack.managementUrl);
    let answers = 0;
    const slow = createServer((request, response) => {
      void (async () => {
        const { authorization = '' } = request.headers;
        const answer = await fetch(new URL(request.url ?? '', origin), {
          headers: { authorization },
        });
        const content = await answer.text();
        if ((answers += 1) > 1) await delay(1_500);
        const date = answer.headers.get('date') ?? '';
        response.writeHead(answer.status, { date }).end(content);
      })();
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { port } = slow.address() as AddressInfo;
    const { amqpUrl } = bed;
    const rabbitmqManagementUrl = `http://${username}:${password}@127.0.0.1:${port}`;
    const found = await examine({ amqpUrl, rabbitmqManagementUrl }).finally(() => {
      slow.closeAllConnections();
      slow.close();
    });
    expect(answers).toBe(3);
    expect(found).toContainEqual({ what: 'RabbitMQ: clock', state: 'ok', says: 'as ours' });
  });

  test('what is not said is not checked', async () => {
    expect(await examine({ amqpUrl: bed.amqpUrl })).toEqual(
      expect.arrayContaining([
        { what: 'Temporal', state: 'notChecked', says: 'TEMPORAL_ADDRESS is not set' },
        { what: 'order database', state: 'notChecked', says: 'ORDERS_DATABASE_URL is not set' },
      ]),
    );
  });
});

test('on the command line it exits with 1 where something failed, and prints what mends it', async () => {
  const environment = {
    TEMPORAL_ADDRESS: bed.stack.temporalAddress,
    TEMPORAL_NAMESPACE: bed.namespace,
    ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
    DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
    AMQP_URL: bed.amqpUrl,
    RABBITMQ_MANAGEMENT_URL: bed.stack.managementUrl,
  };
  const well = await runCli(['doctor'], { environment });
  expect(well).toMatchObject({ exitCode: 0 });
  expect(well.stdout).toMatch(/^ok {7}bindings: all there$/m);
  const broken = await runCli(['doctor'], {
    environment: { ...environment, AMQP_URL: `amqp://u:p@${NOWHERE}/` },
  });
  expect(broken).toMatchObject({ exitCode: 1 });
  expect(broken.stdout).toMatch(/^FAILED {3}RabbitMQ: .*\n +start it, or correct AMQP_URL/m);
});
