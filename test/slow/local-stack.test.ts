import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ConsumeMessage } from 'amqplib';
import { QUEUES } from '../../domain/amqp-names';
import { acknowledgementMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { readStackFile, type StackFile } from '../../runtime/stack-file';
import { createDatabase, dropDatabase } from '../../stack/servers/databases';
import { rabbitmqManagement, vhostUrl } from '../../stack/servers/rabbitmq-management';
import { patience } from '../patience';
import { runCli } from '../run-cli';
import { eventually, sharedServers, withConnection } from '../setup';

jest.setTimeout(patience(30_000));

const CLONE = join(__dirname, '..', '..');

/** A command of the stack's, as `npm run` starts it. */
interface Command {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  exitCode: Promise<number | null>;
}

describe('the local stack', () => {
  /** Stands for the clone, so that a stack which the developer keeps there stays out of it. */
  let folder: string;
  const started: ChildProcess[] = [];
  beforeAll(async () => {
    await mkdir(join(CLONE, '.local'), { recursive: true });
    folder = mkdtempSync(join(CLONE, '.local', 'local-stack-test-'));
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGTERM');
    await eventually(() => leftovers(folder).length === 0, { what: 'the end of the processes' });
    await rm(folder, { recursive: true });
  });

  const start = (...args: string[]): Command => startWith({}, ...args);
  const startWith = (services: Record<string, string>, ...args: string[]): Command => {
    const child = spawn(process.execPath, [join(CLONE, 'scripts', 'run.mjs'), ...args], {
      cwd: CLONE,
      env: { ...bareEnvironment(), ...services, ORDER_DISPATCH_STACK_DIRECTORY: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    return {
      child,
      stdout: () => stdout,
      stderr: () => stderr,
      exitCode: new Promise((resolve) => child.once('close', resolve)),
    };
  };
  /** The stack's details, once they are as they should be. */
  const details = (command: Command, isIt: (stack: StackFile) => boolean = () => true) =>
    Promise.race([
      eventually(
        () => {
          const stack = readStackFile(folder);
          return stack && isIt(stack) && stack;
        },
        { what: 'the stack', withinMs: patience(15_000) },
      ),
      command.exitCode.then((code) => {
        throw new Error(`the stack ended with ${code}: ${command.stderr()}`);
      }),
    ]);
  const expectNothingLeft = async () => {
    // A watchdog takes a moment to see that there is nothing to watch any more.
    await eventually(() => leftovers(folder).length === 0, { what: 'the end of the processes' });
    expect(readdirSync(join(folder, '.local'))).toEqual(['logs', 'processes']);
    expect(readdirSync(join(folder, '.local', 'processes'))).toEqual([]);
  };

  test('without one, a further worker says what to do', async () => {
    const worker = start('worker');
    expect(await worker.exitCode).toBe(1);
    expect(worker.stderr()).toMatch(/^worker: no local stack runs: .*npm run up/m);
  });

  test("up writes nothing to an adopter's own dispatch database, nor to the order database beside it", async () => {
    const { postgresUrl, temporalAddress, amqpUrl } = sharedServers();
    const names = ['orders', 'dispatch'].map((schema) => `up-${randomUUID()}-${schema}`);
    const [orders = '', dispatch = ''] = await Promise.all(
      names.map((name) => createDatabase(postgresUrl, name)),
    );
    await withConnection(dispatch, async (own) => {
      await own.query(`
        CREATE VIEW order_dispatch_dispatches_v1 AS SELECT ''::text AS order_id,
          ''::text AS request_id, ''::text AS courier_id, 'live'::text AS status,
          now() AS updated_at WHERE false`);
      const up = startWith(
        {
          ORDERS_DATABASE_URL: orders,
          DISPATCH_DATABASE_URL: dispatch,
          TEMPORAL_ADDRESS: temporalAddress,
          AMQP_URL: amqpUrl,
        },
        'up',
      );
      expect(await up.exitCode).toBe(1);
      expect(up.stderr()).toMatch(/^up: .*dispatch system of your own.*nothing is written/m);
    });
    for (const connectionString of [orders, dispatch]) {
      const { rows } = await withConnection(connectionString, (client) =>
        client.query(
          "SELECT 1 FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = 'public'",
        ),
      );
      expect(rows).toEqual([]);
    }
    await Promise.all(names.map((name) => dropDatabase(postgresUrl, name)));
  });

  test('the demo ends each story as it should, says so as JSON, and leaves nothing behind', async () => {
    const demo = start('demo', '--json');
    expect([await demo.exitCode, demo.stderr()]).toEqual([0, expect.stringContaining('Stopped')]);
    expect(demo.stdout().trimEnd().split('\n')).toHaveLength(1);
    const orderId: unknown = expect.stringMatching(/^demo-/);
    const severalTimes: unknown = expect.any(Number);
    expect(JSON.parse(demo.stdout())).toEqual({
      orders: [
        // On a machine that is busy, an answer may come too late for its attempt.
        { orderId, status: 'dispatched', attempts: severalTimes, resolvedBy: null },
        { orderId, status: 'dispatched', attempts: severalTimes, resolvedBy: null },
        { orderId, status: 'dispatched', attempts: 3, resolvedBy: 'demo' },
        // Its row was deleted, and came back: the attempts are those of the new row.
        { orderId, status: 'dispatched', attempts: severalTimes, resolvedBy: null },
      ],
    });
    await expectNothingLeft();
  });

  test('a demo whose order does not end as it should says which one, where it stands and why, exits with 1, and leaves nothing behind', async () => {
    const { amqpUrl, managementUrl } = sharedServers();
    const vhost = `demo-${randomUUID()}`;
    const management = rabbitmqManagement(managementUrl);
    await management.createVhost(vhost);
    const url = vhostUrl(amqpUrl, vhost);
    // Another dispatch system on the same broker, which comes first and takes every order as expired.
    const publisher = await Publisher.open({ url, name: 'test', log: silentLogger() });
    const other = await connect(url);
    const channel = await other.createChannel();
    const reject = async (request: ConsumeMessage) => {
      const { requestId, orderId } = JSON.parse(request.content.toString()) as Record<
        'requestId' | 'orderId',
        string
      >;
      const decided = { outcome: 'rejected', rejectionCode: 'expired' } as const;
      const decidedAt = new Date().toISOString();
      const answer = { requestId, orderId, decidedAt, ...decided };
      await publisher.publish(acknowledgementMessage(answer, {}));
    };
    await channel.consume(
      QUEUES.dispatchRequests,
      (request) => void (request && reject(request).catch(() => {})),
      { noAck: true, arguments: { 'x-priority': 10 } },
    );
    const demo = startWith({ AMQP_URL: url }, 'demo');
    const exitCode = await demo.exitCode;
    await other.close();
    await publisher.close();
    await management.deleteVhost(vhost);
    const order = String.raw`order demo-\w+-at-once`;
    expect([exitCode, demo.stderr().trimEnd()]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(
          `^demo: the story "An order that is accepted at once" did not end as it should: ${order} waits for a person \\(deadlinePassed\\); ${order} is escalated: waiting for a person since .*; rejected with expired; .*; the logs: .*worker.log$`,
        ),
      ),
    ]);
    await expectNothingLeft();
  });

  test('up runs the service for other terminals, reports a process that dies, and leaves nothing behind', async () => {
    const anyPid: unknown = expect.any(Number);
    // Without its version being made current, the worker would get no order.
    const version = { TEMPORAL_WORKER_BUILD_ID: 'of-the-test' };
    const up = startWith(version, 'up', '--without', 'supplement');
    const stack = await details(up);
    await eventually(() => up.stdout().includes('Ctrl-C stops everything'));
    expect(statSync(join(folder, '.local', 'stack.json')).mode & 0o777).toBe(0o600);
    expect(up.stdout()).toContain(stack.webUi);
    expect(up.stdout()).toMatch(new RegExp(`Where everything is:\\s+desk +${stack.desk}\\s`));
    expect(await (await fetch(`${stack.desk}/v1/session`)).json()).toMatchObject({
      auth: 'none',
      temporalUi: { url: stack.webUi, namespace: 'default' },
    });
    const listed = /^ +(\S+\?query=\S+)$/m.exec(up.stdout())?.[1] ?? '';
    expect(new URL(listed).searchParams.get('query')).toBe('OrderEscalationReason IS NOT NULL');
    expect(listed).toContain(`${stack.webUi}/namespaces/default/workflows?`);
    // By which the command line prints Temporal's own commands.
    expect(existsSync(stack.temporalCli ?? '')).toBe(true);
    expect(up.stdout()).not.toContain(new URL(stack.amqpUrl).password);
    expect(stack.pids).toMatchObject({
      worker: [anyPid],
      dispatchSystem: [anyPid],
      supplement: [],
      api: [anyPid],
    });
    expect(up.stdout()).toMatch(/supplement system .*npm run supplement/);
    // What to try next does without it.
    expect(up.stdout()).toMatch(/place --file \S+ --wait/);
    expect(up.stdout()).not.toContain('repairs list');

    const order = join(folder, '.local', 'order.json');
    const placed = await runCli(['place', '--file', order, '--wait', '--json'], {
      directory: folder,
    });
    expect(JSON.parse(placed.stdout)).toMatchObject({ status: 'dispatched' });

    const second = start('up');
    expect(await second.exitCode).toBe(1);
    expect(second.stderr().trimEnd()).toMatch(
      new RegExp(`^up: a local stack runs already, as process ${stack.pids.stack}: .*$`),
    );

    const worker = start('worker');
    const supplement = start('supplement');
    await details(up, ({ pids }) => pids.worker.length === 2 && pids.supplement.length === 1);
    await eventually(() => supplement.stderr().includes('"msg":"ready"'), {
      what: 'the supplement system',
    });
    const [victim] = stack.pids.dispatchSystem;
    process.kill(victim as number, 'SIGKILL');
    await details(up, ({ pids }) => pids.dispatchSystem.length === 0);
    await eventually(() => up.stdout().includes('npm run dispatch-system'));
    expect(up.stdout()).toContain(`(process ${victim}) ended by itself: SIGKILL`);
    expect(readStackFile(folder)?.pids.worker).toHaveLength(2);

    up.child.kill('SIGINT');
    const ends = [up, worker, supplement].map(({ exitCode }) => exitCode);
    expect(await Promise.all(ends)).toEqual([0, 0, 0]);
    expect(worker.stderr()).toContain('the local stack stops');
    expect(supplement.stderr()).toContain('the local stack stops');
    await expectNothingLeft();
  });
});

/** The shell's environment without what would lead a stack, or npm's watch over it, elsewhere. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const own =
    /^(npm_|TEMPORAL_ADDRESS|TEMPORAL_NAMESPACE|AMQP_URL|ORDERS_DATABASE|DISPATCH_|ORDER_DISPATCH_|SUPPLEMENT_|HEALTH_PORT|LOG_LEVEL)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

/** The processes whose environment or command line names the folder. */
function leftovers(folder: string): string[] {
  if (!existsSync('/proc/self/environ')) {
    const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8' });
    return lines.split('\n').filter((line) => line.includes(folder));
  }
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    return ['environ', 'cmdline'].some((file) => {
      try {
        return readFileSync(join('/proc', pid, file), 'utf8').includes(folder);
      } catch {
        // It has just ended, or is somebody else's.
        return false;
      }
    });
  });
}
