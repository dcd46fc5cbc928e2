import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { decide } from '../../dispatch-system/decide';
import { startDispatchSystem } from '../../dispatch-system/dispatch-system';
import { silentLogger } from '../../runtime/logger';
import { compile } from '../compiler';
import { patience } from '../patience';
import { createFolder } from '../run-cli';
import { createSurroundings, newOrder } from '../setup';

jest.setTimeout(patience(60_000));

const CLONE = realpathSync(join(__dirname, '..', '..'));

/** A consumer's code: all that a reader of the README would name. */
const CONSUMER = `
  import { OrderDispatchClient, TooLateToCancel, type Order, type OrderResult } from 'order-dispatch';
  import { consumeOutcomeEvents, type OutcomeEvent } from 'order-dispatch/events';
  import { createOrderDispatchWorker, type OrderDispatchWorkerOptions } from 'order-dispatch/worker';

  export async function run(order: Order, options: OrderDispatchWorkerOptions): Promise<OrderResult> {
    const worker = await createOrderDispatchWorker(options);
    const dispatch: OrderDispatchClient = worker.client;
    const handle = await dispatch.placeOrder(order, { policy: { maximumAttempts: 3 } });
    try {
      const result = await handle.cancel({ actor: 'mia', note: 'ordered twice' });
      // @ts-expect-error: not a status that an order ends with, so the types are there
      if (result.status === 'placed') throw new Error('still placed');
    } catch (error) {
      if (!(error instanceof TooLateToCancel)) throw error;
    }
    return handle.result();
  }

  export const listen = (amqpUrl: string, cancelled: string[]) =>
    consumeOutcomeEvents({
      amqpUrl,
      queue: 'payments.order-events',
      types: ['order.cancelled.v1', 'order.dispatched.v1'],
      onEvent: async (event) => {
        // @ts-expect-error: not a type that was asked for
        if (event.type === 'order.escalated.v1') return;
        if (event.type === 'order.cancelled.v1') cancelled.push(event.orderId);
        else cancelled.push(event.courierId ?? event.orderId);
      },
    });
  export const idOf = (event: OutcomeEvent): string => event.eventId;`;

/** Where an order service finds the service's servers; read from the environment by the script below. */
const PLACES_AN_ORDER = `
  import { NativeConnection } from '@temporalio/worker';
  import { createOrderDispatchWorker } from 'order-dispatch/worker';

  const { address, order, ...options } = JSON.parse(process.argv[2]);
  const connection = await NativeConnection.connect({ address });
  const worker = await createOrderDispatchWorker({ connection, ...options });
  const handle = await worker.client.placeOrder(order);
  const result = await handle.result();
  await worker.close();
  await connection.close();
  console.log(JSON.stringify(result));`;

describe('the package', () => {
  let folder: Awaited<ReturnType<typeof createFolder>>;
  /** A project that depends on nothing but the packed package. */
  let project: string;
  beforeAll(async () => {
    folder = await createFolder();
    project = join(realpathSync(folder.path), 'project');
    await unpackInto(project, await pack(folder.path));
  });
  afterAll(() => folder.remove());

  const write = (name: string, text: string): string => {
    const file = join(project, name);
    writeFileSync(file, text);
    return file;
  };
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project });
    return stdout.trim();
  };

  test('can be imported and required, with the same names', async () => {
    const { exports } = manifestOf(join(project, 'node_modules', 'order-dispatch'));
    for (const path of Object.keys(exports)) {
      const name = join('order-dispatch', path);
      const imported = await run(
        write('names.mjs', `console.log(Object.keys(await import('${name}')).sort().join())`),
      );
      const required = await run(
        write('names.cjs', `console.log(Object.keys(require('${name}')).sort().join())`),
      );
      const ours = imported
        .split(',')
        .filter((each) => !/^(default|module\.exports|__esModule)$/.test(each));
      expect(required).not.toBe('');
      expect(ours.join()).toBe(required);
    }
  });

  test.each([
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])('has types that a strict consumer compiles with, by %s', async (moduleResolution, module) => {
    const files = ['consumer.mts', 'consumer.cts'];
    for (const name of files) write(name, CONSUMER);
    const how = ['--module', module, '--moduleResolution', moduleResolution];
    const problems = await compile(project, files, how);
    // Ours and the consumer's, declarations too; not Temporal's, which have problems of their own.
    expect(problems.filter(({ file }) => !file.startsWith('..'))).toEqual([]);
  });

  test('dispatches an order, with the workflows and the migrations that are in it', async () => {
    const surroundings = await createSurroundings();
    const { amqpUrl, namespace, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    const dispatchSystem = await startDispatchSystem({
      amqpUrl,
      databaseUrl: dispatchDatabaseUrl,
      decide,
      log: silentLogger(),
    });
    try {
      const order = newOrder();
      const given = {
        address: surroundings.stack.temporalAddress,
        namespace,
        amqpUrl,
        ordersDatabaseUrl,
        order,
      };
      const said = await run(write('place.mjs', PLACES_AN_ORDER), JSON.stringify(given));
      expect(JSON.parse(said)).toMatchObject({ orderId: order.orderId, status: 'dispatched' });
    } finally {
      await dispatchSystem.close();
      await surroundings.remove();
    }
  });

  test('has the command line', async () => {
    const { bin } = manifestOf(join(project, 'node_modules', 'order-dispatch'));
    const program = join('node_modules', 'order-dispatch', bin['order-dispatch'] ?? '');
    expect(await run(program, 'place', '--example')).toContain('"orderId"');
  });
});

/** Packs what Git has of the clone: nothing is built in it, as in a fresh one. */
async function pack(into: string): Promise<string> {
  const copy = join(into, 'clone');
  cpSync(CLONE, copy, {
    recursive: true,
    filter: (path) => {
      const name = relative(CLONE, path);
      return !/^(node_modules|dist|\.git|\.local)(\/|$)|^database\/\w+\/generated(\/|$)/.test(name);
    },
  });
  // A folder of links, not a link: whatever npm might remove in it, it removes none of the clone's.
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(CLONE, 'node_modules'))) {
    const target = join(CLONE, 'node_modules', name);
    // The list of what is installed must be newer than what is asked for.
    if (name === '.package-lock.json') cpSync(target, join(copy, 'node_modules', name));
    else symlinkSync(target, join(copy, 'node_modules', name));
  }
  await promisify(execFile)('npm', ['pack', '--pack-destination', into], { cwd: copy });
  const { name, version } = manifestOf(copy);
  return join(into, `${name}-${version}.tgz`);
}

/** What `npm install` does with a tarball, without a registry: only what it depends on is beside it. */
function unpackInto(folder: string, tarball: string): Promise<unknown> {
  const modules = join(folder, 'node_modules');
  const ours = join(modules, 'order-dispatch');
  mkdirSync(ours, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }');
  const lock = JSON.parse(readFileSync(join(CLONE, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>;
  };
  for (const [path, { dev, devOptional, optional }] of Object.entries(lock.packages)) {
    const isTop = /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path);
    if (!isTop || dev || devOptional || optional) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(CLONE, path), join(folder, path));
  }
  return promisify(execFile)('tar', ['-xzf', tarball, '-C', ours, '--strip-components=1']);
}

function manifestOf(folder: string): {
  name: string;
  version: string;
  exports: Record<string, unknown>;
  bin: Record<string, string>;
} {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ReturnType<
    typeof manifestOf
  >;
}
