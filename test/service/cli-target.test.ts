import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { programName } from '../../cli/typed-command';
import { createDatabase, dropDatabase } from '../../stack/servers/databases';
import {
  copyPackage,
  createFolder,
  errorLine,
  unwrapped,
  runCli,
  writeStackFile,
  type RunCliOptions,
} from '../run-cli';
import { createSurroundings, newOrder, withConnection, type Surroundings } from '../setup';

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1';

describe('target of a command', () => {
  let surroundings: Surroundings;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  let address: string;
  let namespace: string;
  /** A clone without a local stack, and one where the test's servers are the local stack. */
  let bare: string;
  let withStack: string;
  beforeAll(async () => {
    [surroundings, folder] = await Promise.all([createSurroundings(), createFolder()]);
    namespace = surroundings.namespace;
    address = surroundings.stack.temporalAddress;
    await copyPackage(folder.path);
    bare = join(folder.path, 'bare');
    withStack = join(folder.path, 'with-stack');
    await mkdir(bare);
    await writeStackFile(withStack, { temporalAddress: address, temporalNamespace: namespace });
  });
  afterAll(async () => {
    await surroundings.remove();
    await folder.remove();
  });

  const cli = (args: string[], options: RunCliOptions) =>
    runCli(args, { package: folder.path, ...options });
  /** What a command says that also reads the databases of the local stack. */
  const localStack = () =>
    `target: local stack (${address}, namespace ${namespace}, order database ${NOWHERE}/orders, dispatch database ${NOWHERE}/dispatch)`;
  /** Asks for an order that nobody placed: the answer proves that the target was reached. */
  const look = async (options: RunCliOptions, ...args: string[]) => {
    const result = await cli(['show', 'o-nobody', ...args], options);
    const [said] = /^target: .*$/m.exec(unwrapped(result.stderr)) ?? [];
    return { ...result, said, reached: result.stderr.includes('OrderNotFound') };
  };

  test('the options say it first', async () => {
    const environment = { TEMPORAL_ADDRESS: NOWHERE, TEMPORAL_NAMESPACE: 'other' };
    const options = ['--address', address, '--namespace', namespace];
    expect(await look({ directory: bare, environment }, ...options)).toMatchObject({
      said: `target: --address (${address}, namespace ${namespace})`,
      reached: true,
      stdout: '',
    });
  });

  test('then the environment', async () => {
    const environment = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
    expect(await look({ directory: bare, environment })).toMatchObject({
      said: `target: environment (${address}, namespace ${namespace})`,
      reached: true,
    });
  });

  test('then the running local stack of the clone one is in, or of the clone that runs', async () => {
    const said = localStack();
    expect(await look({ directory: withStack })).toMatchObject({ said, reached: true });
    const environment = { TEMPORAL_ADDRESS: address.replace('127.0.0.1', 'localhost') };
    expect(await look({ directory: withStack, environment })).toMatchObject({ reached: true });
  });

  test('a local stack that is gone is no target', async () => {
    const gone = join(folder.path, 'gone');
    // Process IDs end at 2^22 on Linux.
    const pids = { stack: 2 ** 22 + 1, worker: [], dispatchSystem: [], supplement: [], api: [] };
    await writeStackFile(gone, { temporalAddress: address, temporalNamespace: namespace, pids });
    expect(await look({ directory: gone })).toMatchObject({ exitCode: 2, said: undefined });
  });

  test('no target at all exits with 2 and says what to do', async () => {
    const result = await look({ directory: bare });
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(errorLine(result)).toMatch(/^error: no target: TEMPORAL_ADDRESS .*`npm run up`$/);
  });

  test.each([
    ['address', { TEMPORAL_ADDRESS: NOWHERE }],
    ['namespace', { TEMPORAL_NAMESPACE: 'other' }],
  ])(
    'an environment with another %s than the running local stack exits with 2 and says how to choose',
    async (_what, environment) => {
      const result = await look({ directory: withStack, environment });
      expect(result).toMatchObject({ exitCode: 2, stdout: '', said: undefined });
      expect(unwrapped(result.stderr)).toMatch(
        /^error: [^\n]+ choose with --from environment or --from local-stack, or with --address [^\n]+\n$/,
      );
      expect(result.stderr).toContain(`${Object.keys(environment)[0]}=`);
      expect(unwrapped(result.stderr)).toContain(`(${address}, namespace ${namespace})`);
      for (const chosen of [
        ['--address', address, '--namespace', namespace],
        ['--from', 'local-stack'],
      ]) {
        expect(await look({ directory: withStack, environment }, ...chosen)).toMatchObject({
          said: localStack(),
          reached: true,
        });
      }
    },
  );

  describe('all services of a command are of one installation', () => {
    const elsewhere = `postgresql://me:SECRET@${NOWHERE}/elsewhere`;
    const sweep = (environment: Record<string, string>, ...args: string[]) =>
      cli(['sweep', ...args], { directory: withStack, environment });

    test('an environment that names one database of another than the running local stack is refused', async () => {
      const refused = await sweep({ DISPATCH_DATABASE_URL: elsewhere });
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(refused)).toMatch(
        /^error: the environment \(DISPATCH_DATABASE_URL=127\.0\.0\.1:1\/elsewhere\) is not the local stack/,
      );
      expect(refused.stderr).not.toContain('SECRET');
    });

    test('--from environment takes nothing from the local stack, and says all that is missing', async () => {
      const environment = { DISPATCH_DATABASE_URL: elsewhere };
      const missing = await sweep(environment, '--from', 'environment');
      expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(missing)).toMatch(
        /^error: no target: TEMPORAL_ADDRESS \(or --address\) and ORDERS_DATABASE_URL are not set: /,
      );
    });

    test("an address elsewhere does not go with the local stack's databases", async () => {
      const missing = await sweep({}, '--address', NOWHERE);
      expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(missing)).toMatch(
        /ORDERS_DATABASE_URL and DISPATCH_DATABASE_URL are not set/,
      );
      const contradiction = await sweep({}, '--address', NOWHERE, '--from', 'local-stack');
      expect(contradiction).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(contradiction)).toMatch(/^error: --address: not the local stack's/);
    });

    test("the local stack's address goes with its databases, whatever the environment names", async () => {
      const chosen = await sweep({ ORDERS_DATABASE_URL: elsewhere }, '--address', address);
      expect(unwrapped(chosen.stderr)).toContain(
        `target: local stack (${address}, namespace ${namespace}, order database 127.0.0.1:1/orders, dispatch database 127.0.0.1:1/dispatch)`,
      );
    });

    test('what a command does not work with does not stop it', async () => {
      const environment = { ORDERS_DATABASE_URL: elsewhere };
      expect(await look({ directory: withStack, environment })).toMatchObject({ reached: true });
    });

    test.each([
      ['in our clone', '/src/clone', '/src/clone/docs', 'npx order-dispatch'],
      ['outside of it', '/src/clone', '/src/other', 'npx --prefix /src/clone order-dispatch'],
      ['in a project', '/app/node_modules/order-dispatch', '/app', 'npx order-dispatch'],
      ['for everybody', '/usr/lib/node_modules/order-dispatch', '/home/mia', 'order-dispatch'],
    ])('commands are printed as one types them %s', (_where, root, directory, typed) => {
      expect(programName(root, directory)).toBe(typed);
    });

    test('next commands go to the same target', async () => {
      const unknown = await cli(['tasks', 'list', '--from', 'elsewhere'], { directory: withStack });
      expect(unknown).toMatchObject({ exitCode: 2 });
      const placed = await cli(['place', '--file', '-', '--from', 'local-stack'], {
        directory: withStack,
        input: JSON.stringify(newOrder()),
      });
      expect(unwrapped(placed.stdout)).toMatch(/order-dispatch show \S+ --from local-stack$/m);
    });
  });

  test('an address where nothing listens exits with 3, a namespace that is not there with 2 and a hint', async () => {
    const nowhere = await look({ directory: bare }, '--address', NOWHERE);
    expect(nowhere).toMatchObject({ exitCode: 3, stdout: '' });
    expect(errorLine(nowhere)).toMatch(/^error: DispatchUnavailable: .*127\.0\.0\.1:1/);
    const noNamespace = await look({ directory: bare }, '--address', address, '--namespace', 'no');
    for (const args of [
      ['tasks', 'list'],
      ['setup', 'search-attributes'],
      ['tasks', 'show', 'o-1'],
    ]) {
      const other = await cli([...args, '--address', address, '--namespace', 'no'], {
        directory: bare,
      });
      expect(other).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(other)).toMatch(
        /^error: .*namespace.*: check the namespace .*--namespace or/i,
      );
    }
    expect(noNamespace).toMatchObject({ exitCode: 2, stdout: '' });
    expect(errorLine(noNamespace)).toMatch(
      /^error: InvalidConfiguration: Namespace.*no.*: check the namespace .*--namespace or/i,
    );
  });

  test.each([
    ['that cannot be sent', 'SECRET\nkey'],
    ['that the server does not take', 'SECRET-key'],
  ])('an API key %s is never shown', async (_what, key) => {
    for (const result of [
      await look({ directory: bare }, '--address', NOWHERE, '--api-key', key),
      await look({
        directory: bare,
        environment: { TEMPORAL_ADDRESS: NOWHERE, TEMPORAL_API_KEY: key },
      }),
    ]) {
      expect(result.exitCode).toBeGreaterThan(1);
      expect(result.stdout + result.stderr).not.toContain('SECRET');
      expect(errorLine(result)).toMatch(/^error: [^\n]+$/);
    }
  });

  test('a bad setting exits with 2 and names it', async () => {
    const environment = { TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'maybe' };
    const badFlag = await look({ directory: bare, environment });
    expect(badFlag.exitCode).toBe(2);
    expect(errorLine(badFlag)).toContain('TEMPORAL_TLS: ');
    const oneFile = ['--address', address, '--tls-client-cert-path', 'cert.pem'];
    expect(await look({ directory: bare }, ...oneFile)).toMatchObject({ exitCode: 2 });
    const noFile = [...oneFile, '--tls-client-key-path', 'key.pem'];
    const missing = await look({ directory: bare }, ...noFile);
    expect(missing.exitCode).toBe(2);
    expect(errorLine(missing)).toMatch(/(cert|key)\.pem cannot be read/);
  });

  describe('codec module', () => {
    const codec = `
      const flip = (payloads) => payloads.map((payload) => ({
        metadata: { encoding: Buffer.from('binary/flipped') },
        data: Buffer.from(JSON.stringify({
          metadata: Buffer.from(payload.metadata.encoding).toString('hex'),
          data: Buffer.from(payload.data).toString('hex'),
        })),
      }));
      const back = (payloads) => payloads.map((payload) => {
        const { metadata, data } = JSON.parse(Buffer.from(payload.data).toString());
        return { metadata: { encoding: Buffer.from(metadata, 'hex') }, data: Buffer.from(data, 'hex') };
      });`;

    test.each([
      ['payloadCodecs', 'exports.payloadCodecs = [{ encode: flip, decode: back }];'],
      [
        'dataConverter',
        'exports.dataConverter = { payloadCodecs: [{ encode: flip, decode: back }] };',
      ],
    ])(
      '%s encodes what the command line sends; without it, what is there is not read',
      async (name, exported) => {
        const order = newOrder();
        await writeFile(join(bare, `${name}.cjs`), codec + exported);
        const placed = await cli(['place', '--file', '-'], {
          directory: withStack,
          environment: { ORDER_DISPATCH_CODEC_MODULE: join(bare, `${name}.cjs`) },
          input: JSON.stringify(order),
        });
        expect(placed.exitCode).toBe(0);
        const connection = await Connection.connect({ address });
        const workflowId = dispatchOrderWorkflowId(order.orderId);
        const { history } = await connection.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: { workflowId },
        });
        await connection.close();
        const start = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
        const encoding = start?.input?.payloads?.[0]?.metadata?.['encoding'];
        expect(Buffer.from(encoding ?? []).toString()).toBe('binary/flipped');

        const shown = await cli(['show', order.orderId], { directory: withStack });
        expect(shown).toMatchObject({ exitCode: 2, stdout: '' });
        expect(errorLine(shown)).toMatch(/^error: [^\n]*--codec-module[^\n]*$/);
      },
    );

    test('a module that cannot be loaded, or exports something else, exits with 2', async () => {
      await writeFile(join(bare, 'other.cjs'), 'exports.codecs = [];');
      for (const [module, message] of [
        ['missing.cjs', /codec module missing\.cjs cannot be loaded/],
        ['other.cjs', /codec module other\.cjs must export payloadCodecs/],
      ] as const) {
        const result = await look(
          { directory: bare },
          '--address',
          address,
          '--codec-module',
          module,
        );
        expect(result.exitCode).toBe(2);
        expect(errorLine(result)).toMatch(message);
        expect(errorLine(result)).not.toContain('\n');
      }
    });
  });

  describe('setup', () => {
    test('search-attributes registers what a namespace lacks, once', async () => {
      const fresh = `cli-${randomUUID().slice(0, 8)}`;
      const connection = await Connection.connect({ address });
      await connection.workflowService.registerNamespace({
        namespace: fresh,
        workflowExecutionRetentionPeriod: msToTs('1 day'),
      });
      await connection.close();
      const options = {
        directory: bare,
        environment: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: fresh },
      };
      const first = await cli(['setup', 'search-attributes', '--json'], options);
      expect(JSON.parse(first.stdout)).toEqual({
        namespace: fresh,
        registered: ['OrderDispatchStatus', 'OrderEscalationReason', 'OrderEscalatedAt'],
      });
      const second = await cli(['setup', 'search-attributes'], options);
      expect(second).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('nothing to do'),
      });
    });

    test('migrate brings both databases up to date, once, and shows no password', async () => {
      const { postgresUrl } = surroundings.stack;
      const names = ['orders', 'dispatch'].map((schema) => `${namespace}-cli-${schema}`);
      const [orders = '', dispatch = ''] = await Promise.all(
        names.map((name) => createDatabase(postgresUrl, name)),
      );
      const environment = { ORDERS_DATABASE_URL: orders, DISPATCH_DATABASE_URL: dispatch };
      const first = await cli(['setup', 'migrate'], { directory: bare, environment });
      expect(first).toMatchObject({ exitCode: 0 });
      expect(unwrapped(first.stdout)).toMatch(
        /^orders database: applied \d+_init.*\ndispatch database: applied/,
      );
      const second = await cli(['setup', 'migrate', '--json'], { directory: bare, environment });
      expect(JSON.parse(second.stdout)).toEqual([
        { schema: 'orders', applied: [] },
        { schema: 'dispatch', applied: [] },
      ]);
      const { password } = new URL(orders);
      if (password) expect(first.stderr + second.stderr).not.toContain(password);
      await Promise.all(names.map((name) => dropDatabase(postgresUrl, name)));
    });

    test("migrate, prune and erase write nothing to an adopter's own dispatch database", async () => {
      const { postgresUrl } = surroundings.stack;
      const names = ['orders', 'dispatch'].map((schema) => `${namespace}-own-${schema}`);
      const [orders, dispatch] = await Promise.all([
        createDatabase(postgresUrl, names[0] ?? '', { template: 'orders_template' }),
        createDatabase(postgresUrl, names[1] ?? ''),
      ]);
      await withConnection(dispatch, async (own) => {
        await own.query(`
          CREATE TABLE rides (ride text, courier text, changed timestamptz);
          CREATE TABLE _prisma_migrations (migration_name text);
          INSERT INTO _prisma_migrations VALUES ('20260101000000_rides');
          CREATE VIEW order_dispatch_dispatches_v1 AS SELECT ride AS order_id, ride AS request_id,
            courier AS courier_id, 'live'::text AS status, changed AS updated_at FROM rides`);
        const environment = {
          ORDERS_DATABASE_URL: orders,
          DISPATCH_DATABASE_URL: dispatch,
          TEMPORAL_ADDRESS: address,
          TEMPORAL_NAMESPACE: namespace,
        };
        for (const args of [
          ['setup', 'migrate'],
          ['prune'],
          ['prune', '--dry-run'],
          ['erase', '--customer', 'c-7', '--actor', 'ana', '--note', 'request 4711'],
        ]) {
          const refused = await cli(args, { directory: bare, environment });
          expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
          expect(errorLine(refused)).toMatch(
            /^error: .*dispatch system of your own.*unset DISPATCH_DA/,
          );
        }
        const { rows } = await own.query<{ name: string }>(
          "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
        );
        expect(rows.map(({ name }) => name).toSorted()).toEqual([
          '_prisma_migrations',
          'order_dispatch_dispatches_v1',
          'rides',
        ]);
        const swept = await cli(['sweep'], { directory: bare, environment });
        expect(swept).toMatchObject({ exitCode: 0 });
      });
      await Promise.all(names.map((name) => dropDatabase(postgresUrl, name)));
    });

    test('migrate does not guess between the environment and a running local stack', async () => {
      const environment = { ORDERS_DATABASE_URL: `postgresql://me:SECRET@${NOWHERE}/elsewhere` };
      const guess = await cli(['setup', 'migrate'], { directory: withStack, environment });
      expect(guess).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(guess)).toContain('choose with --from environment or --from local-stack');
      const chosen = await cli(['setup', 'migrate', '--from', 'environment'], {
        directory: withStack,
        environment,
      });
      expect(chosen).toMatchObject({ exitCode: 3, stdout: '' });
      expect(chosen.stderr).toContain(`target: environment (order database ${NOWHERE}/elsewhere)`);
      expect(guess.stderr + chosen.stderr).not.toContain('SECRET');
    });

    test('migrate without a database exits with 2 and says what to do', async () => {
      const result = await cli(['setup', 'migrate'], { directory: bare });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(result)).toMatch(/ORDERS_DATABASE_URL .*`npm run up`/);
    });
  });
});
