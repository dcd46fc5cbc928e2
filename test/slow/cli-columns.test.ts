import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { overLines } from '../../cli/typed-command';
import type { Repair } from '../../domain/reconciliation';
import { createFolder, runCli, tooLong, unwrapped } from '../run-cli';
import { eventually, newOrder, openTask, setup, type TestBed } from '../setup';

const BY_ANA = ['--actor', 'ana', '--note', 'she said so'];

/** Its standard library has a terminal to run a program at. */
const hasPython = spawnSync('python3', ['--version']).status === 0;

/** As long as an order ID may be. */
const LONGEST = 64;

describe.each([
  ['a realistic order ID', () => `o-${randomUUID()}`],
  ['an order ID of 64 characters', () => `o-${randomUUID()}`.padEnd(LONGEST, '-x')],
])('with %s', (_what, createId) => {
  const orderId = createId();
  const customerId = `c-${orderId}`;
  const order = newOrder({
    orderId,
    customerId,
    note: 'please ring twice, the door is round the corner, behind the two old bicycles',
  });
  let bed: TestBed;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  let deadLetterId: string;
  let repairId: string;
  beforeAll(async () => {
    [bed, folder] = await Promise.all([
      setup({
        policy: {
          quickWindowMs: 0,
          acknowledgementTimeoutMs: 200,
          initialIntervalMs: 50,
          maximumAttempts: 1,
        },
      }),
      createFolder(),
    ]);
    bed.script(orderId, () => ({ kind: 'staySilent' }));
    await openTask(await bed.client.placeOrder(order));
    deadLetterId = await addDeadLetter();
    repairId = await addRepair();
    await eventually(async () => (await cli('tasks', 'list', '--json')).stdout.includes(orderId));
    await cli(
      'tasks',
      'claim',
      orderId,
      '--actor',
      'mia.miller.of.the.night.shift@dispatch.example.com',
    );
    await writeFile(join(folder.path, 'order.json'), JSON.stringify(order));
  });
  afterAll(async () => {
    await bed.close();
    await folder.remove();
  });

  const cli = (...args: string[]) =>
    runCli([...args, '--address', bed.stack.temporalAddress, '--namespace', bed.namespace], {
      directory: folder.path,
      environment: {
        // Of all zones where people live, its name is the widest: GMT+10:30.
        TZ: 'Australia/Adelaide',
        ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
        DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
      },
    });
  const addDeadLetter = async () => {
    const now = new Date();
    const { id } = await bed.orders.deadLetter.create({
      data: {
        fingerprint: randomUUID(),
        sourceQueue: 'order-dispatch.acknowledgements',
        messageId: `${orderId}.1`,
        type: 'some-other-service.something-that-it-published.v1',
        appId: 'other',
        orderId,
        deadLetterReason: `MalformedMessage: message.${'deeply.'.repeat(15)}nested: Invalid input: expected string, received number`,
        properties: { correlationId: `${orderId}.1` },
        headers: { note: 'a header that has more words than fit a line of eighty characters' },
        content: Buffer.from(JSON.stringify(order)),
        attempts: 1,
        firstFailedAt: new Date(now.getTime() - 1e9),
        lastFailedAt: now,
      },
    });
    return String(id);
  };
  const addRepair = async () => {
    const facts: Repair['before'] = {
      order: { status: 'cancelled', contentHash: 'a'.repeat(64) },
      dispatch: { status: 'live', courierId: 'bike-7', requestId: `${orderId}.1` },
      workflow: 'ended',
      trigger: 'late',
      copy: { contentHash: 'b'.repeat(64), isOurs: true },
    };
    const repair: Repair = {
      orderId,
      found: 'the order is cancelled, but a courier is on the way, who was called back',
      done: 'withdrawalRefused',
      before: facts,
      after: facts,
      provenance: `message ${randomUUID()} that came late, of the request ${orderId}.1`,
      actor: 'mia.miller.of.the.night.shift@dispatch.example.com',
      note: 'a note that has more words than fit a line of eighty characters, by phone',
    };
    const { id } = await bed.orders.repair.create({
      data: { ...repair, runId: randomUUID(), before: facts as never, after: facts as never },
    });
    return String(id);
  };

  test.each<[string, () => string[]]>([
    ['tasks list', () => []],
    ['tasks show', () => [orderId]],
    ['show', () => [orderId]],
    ['why', () => [orderId]],
    ['timeline', () => [orderId]],
    ['list', () => []],
    ['watch', () => [orderId, '--timeout', '1']],
    ['dead-letters list', () => []],
    ['dead-letters show', () => [deadLetterId, '--content']],
    ['repairs list', () => []],
    ['repairs show', () => [repairId]],
    ['erase', () => ['--customer', customerId, ...BY_ANA]],
    ['place', () => ['--file', 'order.json']],
    ['place', () => ['--file', 'order.json', '--timeout', '4']],
    ['reconcile', () => [orderId, '--actor', 'ana', '--no-wait']],
  ])('%s fits 80 columns, and the order ID is whole', async (name, args) => {
    const { stdout, stderr } = await cli(...name.split(' '), ...args());
    expect(tooLong(stdout + stderr)).toEqual([]);
    expect(stdout + stderr).toContain(orderId);
  });

  test('prune fits 80 columns', async () => {
    const { exitCode, stdout, stderr } = await cli('prune', '--dry-run');
    expect(exitCode).toBe(0);
    expect((stdout + stderr).split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test.each(['show', 'tasks show'])(
    'a command that %s prints over several lines runs as it is pasted',
    async (name) => {
      const { stdout } = await cli(...name.split(' '), orderId);
      const commands = stdout.match(/npx (?:.* \\\n)*.*/g) ?? [];
      const printed = commands.find((command) => command.includes('--decision cancel')) ?? '';
      expect(printed).toMatch(/^npx \S.* \\\n/);
      const { stderr } = await promisify(execFile)('sh', ['-c', `${printed}; true`], {
        cwd: folder.path,
      });
      expect(unwrapped(stderr)).toMatch(/^error: --actor: is still the placeholder: .* --note: /);
    },
  );

  test('what erasure leaves in Temporal fits 80 columns', async () => {
    const handle = bed.client.getOrder(orderId);
    await handle.resolve({ decision: 'cancel', actor: 'a', note: 'n' });
    await handle.result();
    const { stdout, stderr } = await cli('erase', '--customer', customerId, '--dry-run', ...BY_ANA);
    expect(unwrapped(stdout)).toContain(`workflow delete --workflow-id dispatch-order/${orderId}`);
    expect(tooLong(stdout + stderr)).toEqual([]);
  });
});

describe('a command over several lines', () => {
  const words = async (command: string): Promise<string[]> => {
    const script = `npx() { printf '%s\\n' "$@"; }; ${command}`;
    return (await promisify(execFile)('sh', ['-c', script])).stdout.split('\n');
  };

  test.each([
    `npx --prefix '/home/mia/it'\\''s here' order-dispatch show o-1 --namespace x`,
    `npx order-dispatch dead-letters replay --reason 'a "b" c d' --actor "YOUR NAME" --note "WHY"`,
    `npx order-dispatch tasks resolve ${'o'.repeat(LONGEST)} --policy - --tls --workflow-id ${'i'.repeat(LONGEST)}`,
  ])('is the same to a shell: %s', async (command) => {
    for (const columns of [20, 40, 80]) {
      const broken = overLines(command, columns);
      expect(broken).not.toMatch(/^npx \\$/m);
      expect(await words(broken)).toEqual(await words(command));
    }
  });
});

(hasPython ? test : test.skip)('a wider terminal is used, a narrower one is not', async () => {
  const program = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
  const widest = async (columns: number): Promise<number> => {
    const sized = `stty cols ${columns}; exec "$@"`;
    const pseudo = 'import pty, sys; pty.spawn(sys.argv[1:])';
    const command = [process.execPath, program, 'show', 'o-1', '--from', 'environment'];
    const { stdout } = await promisify(execFile)(
      'python3',
      ['-c', pseudo, 'sh', '-c', sized, 'sh', ...command],
      {
        env: {
          PATH: process.env['PATH'],
          TEMPORAL_ADDRESS: '127.0.0.1:1',
          ORDERS_DATABASE_URL: `postgresql://127.0.0.1:1/${'o'.repeat(30)}`,
          NO_COLOR: '1',
        },
      },
    );
    expect(stdout).toContain('error: DispatchUnavailable');
    return Math.max(...stdout.split('\r\n').map((line) => line.length));
  };
  const [wide, narrow] = await Promise.all([widest(130), widest(40)]);
  expect(wide).toBeGreaterThan(80);
  expect(wide).toBeLessThanOrEqual(130);
  expect(narrow).toBeLessThanOrEqual(80);
  expect(narrow).toBeGreaterThan(40);
});
