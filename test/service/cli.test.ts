import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection, WorkflowNotFoundError } from '@temporalio/client';
import { OrderDispatchClient, type OrderStatusView, type PolicyOverrides } from '../../client';
import type { Order } from '../../domain/order';
import {
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../../domain/temporal-names';
import { workflowIdsOf } from '../../temporal/order-workflows';
import { MACHINE_FACTOR } from '../patience';
import { startProcess, type TestProcess } from '../processes';
import { createNamespace } from '../../stack/servers/temporal-namespace';
import {
  createFolder,
  errorLine,
  runCli,
  startCli,
  unwrapped,
  type CliResult,
  type RunCliOptions,
} from '../run-cli';
import {
  askPerson,
  createSurroundings,
  eventually,
  lockAwaited,
  newOrder,
  openTask,
  setup,
  withConnection,
  type Surroundings,
  type TestBed,
} from '../setup';

/** Silence becomes a human task at once, where its reason does not matter. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 100,
  maximumAttempts: 1,
};

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

/** How long ago something was, as people read it. */
const AGE = String.raw`\d+ (?:s|min)`;

/** Its standard library has a terminal to run a program at. */
const hasPython = spawnSync('python3', ['--version']).status === 0;

const BY_ANA = ['--actor', 'ana', '--note', 'she said so'];

describe('command line', () => {
  let bed: TestBed;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  beforeAll(async () => {
    [bed, folder] = await Promise.all([setup({ policy: PATIENT }), createFolder()]);
  });
  afterAll(async () => {
    await bed.close();
    await folder.remove();
  });

  const target = () => ['--address', bed.stack.temporalAddress, '--namespace', bed.namespace];
  const cli = (args: string[], options: RunCliOptions = {}) =>
    runCli([...args, ...target()], { directory: folder.path, ...options });
  const orderFile = async (order: object | string, name = `${Math.random()}.json`) => {
    await writeFile(
      join(folder.path, name),
      typeof order === 'string' ? order : JSON.stringify(order),
    );
    return name;
  };
  const databases = () => ({
    ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
    DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
  });
  const staySilent = ({ orderId }: Order) =>
    bed.script(orderId, ({ kind }) =>
      kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
    );
  const acceptBy = (orderId: string, courierId: string) =>
    bed.script(orderId, () => ({ kind: 'accept', courierId }));
  const escalated = async () => {
    const order = newOrder();
    staySilent(order);
    await askPerson(bed, await bed.client.placeOrder(order));
    return order.orderId;
  };
  /** Temporal lists what happened a moment later. */
  const listed = (orderId: string) =>
    eventually(async () => {
      const { stdout } = await cli(['tasks', 'list', '--json']);
      const tasks = JSON.parse(stdout) as { orderId: string; taskId: string }[];
      return tasks.find((task) => task.orderId === orderId) && tasks;
    });

  /** A dead letter that is no text. */
  const addDeadLetter = () => {
    const now = new Date();
    return bed.orders.deadLetter.create({
      data: {
        fingerprint: randomUUID(),
        sourceQueue: 'dispatch.requests',
        messageId: 'm',
        type: 'unknown',
        appId: 'other',
        deadLetterReason: 'MalformedMessage',
        properties: {},
        headers: {},
        content: Buffer.from([0xff, 0xfe]),
        attempts: 1,
        firstFailedAt: now,
        lastFailedAt: now,
      },
    });
  };
  /** What a person sees who types `answer` at a terminal. */
  const atTerminal = async (
    args: string[],
    answer: string,
    environment: Record<string, string>,
  ): Promise<string> => {
    const program = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
    const pseudo = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) != 0)';
    const words = [process.execPath, program, ...args, ...target()];
    const running = spawn('python3', ['-c', pseudo, ...words], {
      cwd: folder.path,
      env: { ...process.env, ...environment, NO_COLOR: '1' },
    });
    let seen = '';
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      if (seen.includes('[y/N]') && !running.stdin.writableEnded) running.stdin.end(answer);
    });
    await once(running, 'close');
    return seen;
  };

  describe('an order from its file to its courier', () => {
    test('place says what it placed, show where it stands', async () => {
      const order = newOrder();
      const placed = await cli(['place', '--file', await orderFile(order)]);
      expect(placed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(order.orderId) });
      await bed.client.getOrder(order.orderId).result();
      const shown = await cli(['show', order.orderId]);
      expect(shown.exitCode).toBe(0);
      expect(shown.stdout).toMatch(/^status +dispatched$/m);
      expect(shown.stdout).toMatch(/^courier +courier-\d+$/m);
      expect(shown.stdout).toMatch(/^attempts +\d+$/m);
    });

    test('place --wait takes the order from stdin, and prints the result as JSON on stdout alone', async () => {
      const order = newOrder();
      acceptBy(order.orderId, 'courier-8');
      const placed = await cli(['place', '--file', '-', '--wait', '--json'], {
        input: JSON.stringify(order),
      });
      expect(placed.exitCode).toBe(0);
      expect(JSON.parse(placed.stdout)).toMatchObject({
        orderId: order.orderId,
        status: 'dispatched',
        courierId: 'courier-8',
      });
    });

    test('place --wait exits with 1 where the order ends cancelled', async () => {
      const order = newOrder();
      bed.script(order.orderId, () => ({ kind: 'reject', rejectionCode: 'outOfZone' }));
      const placed = await cli(['place', '--file', await orderFile(order), '--wait']);
      expect(placed.exitCode).toBe(1);
      expect(placed.stdout).toMatch(/^status +cancelled$/m);
      expect(placed.stdout).toMatch(/^rejection code +outOfZone$/m);
    });

    test('what place --example prints can be placed, under a policy of its own', async () => {
      const example = await runCli(['place', '--example']);
      expect(example).toMatchObject({ exitCode: 0, stderr: '' });
      const { orderId } = JSON.parse(example.stdout) as Order;
      const policy = await orderFile({ maximumAttempts: 3 });
      const placed = await cli(['place', '--file', '-', '--policy-file', policy, '--wait'], {
        input: example.stdout,
      });
      expect(placed.exitCode).toBe(0);
      const row = await bed.orders.order.findUniqueOrThrow({ where: { orderId } });
      expect(row.policy).toMatchObject({ maximumAttempts: 3 });
    });

    test('another order under a taken ID is refused', async () => {
      const order = newOrder();
      await cli(['place', '--file', await orderFile(order), '--wait']);
      const other = await cli(['place', '--file', await orderFile({ ...order, currency: 'CHF' })]);
      expect(other).toMatchObject({ exitCode: 1, stdout: '' });
      expect(errorLine(other)).toMatch(/^error: OrderConflict: .*new order ID$/);
    });

    test('an order that nobody placed is refused', async () => {
      const shown = await cli(['show', 'o-nobody']);
      expect(shown).toMatchObject({ exitCode: 1, stdout: '' });
      expect(errorLine(shown)).toMatch(/^error: OrderNotFound: order o-nobody is not known/);
    });
  });

  describe('human tasks', () => {
    test('show names the open task and the exact commands that resolve it', async () => {
      const orderId = await escalated();
      const { stdout } = await cli(['show', orderId]);
      expect(stdout).toMatch(/^status +escalated$/m);
      expect(stdout).toMatch(
        new RegExp(`^human task +requestDeadLettered, since .* \\(${AGE}\\)$`, 'm'),
      );
      expect(stdout).toMatch(/^it takes +retry, markDispatched, cancel$/m);
      expect(unwrapped(stdout)).toContain(
        `order-dispatch tasks resolve dispatch-order/${orderId} --decision retry --actor "YOUR NAME" --note "WHY" ${target().join(' ')}`,
      );
    });

    test('a command that show prints is refused as it is, and runs as it is once it is filled in', async () => {
      const orderId = await escalated();
      acceptBy(orderId, 'courier-4');
      const { stdout } = await cli(['show', orderId]);
      const commands = stdout.match(/npx (?:.* \\\n)*.*/g) ?? [];
      const printed = commands.find((command) => command.includes('markDispatched')) ?? '';
      expect(printed).toContain(' \\\n');
      const shell = (command: string) =>
        promisify(execFile)('sh', ['-e', '-c', command], { cwd: folder.path });
      await expect(shell(printed)).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /^error: --courier: is still the placeholder: fill it in; --actor: is .*; --note: is /s,
        ),
      });
      const filledIn = printed
        .replace('COURIER', 'bike-7')
        .replace('YOUR NAME', 'ana')
        .replace('WHY', 'by phone');
      expect((await shell(filledIn)).stdout).toContain('dispatched with courier bike-7');
    });

    test('show has the order, both rows, and the decision with its note, also where Temporal knows nothing', async () => {
      const orderId = await escalated();
      acceptBy(orderId, 'courier-4');
      const [line, city] = ['1 Long Street', 'Sampleton'];
      const beforehand = await cli(['show', orderId]);
      expect(beforehand.stdout).toMatch(new RegExp(`^address +${line}\\n +12345 ${city}$`, 'm'));
      expect(beforehand.stdout).not.toContain('order database');
      await bed.client.getOrder(orderId).resolve({ decision: 'retry', actor: 'ana', note: 'back' });
      await bed.client.getOrder(orderId).result();
      // As whoever writes to the database without us might leave it.
      await bed.orders.order.update({
        where: { orderId },
        data: { decisionNote: 'ba\u001b[2Jck' },
      });
      const environment = {
        ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
        DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
      };
      const shown = await cli(['show', orderId], { environment });
      expect(shown.stdout).toMatch(/^items +2 x noodles, 1250 each$/m);
      expect(shown.stdout).toMatch(/^deadline +\d{4}-/m);
      expect(shown.stdout).toMatch(/^decision +retry by ana, \d{4}-/m);
      expect(shown.stdout).toMatch(/^note +ba\\u001b\[2Jck$/m);
      expect(shown.stdout).toMatch(/^order database +dispatched, courier courier-4, changed/m);
      expect(unwrapped(shown.stdout)).toMatch(
        /^dispatch database +live, courier courier-4, request \S+\.2$/m,
      );
      // A namespace that never had it: when Temporal really deletes a workflow, it alone decides.
      const elsewhere = `${bed.namespace}-elsewhere`;
      await createNamespace(bed.stack.temporalAddress, elsewhere);
      const args = ['--address', bed.stack.temporalAddress, '--namespace', elsewhere];
      const forgotten = await runCli(['show', orderId, ...args], {
        directory: folder.path,
        environment,
      });
      expect(forgotten.stdout).toMatch(
        /^status +dispatched\nTemporal +does not know it any more$/m,
      );
    });

    test('with --json an error is JSON on stdout, too', async () => {
      for (const [args, code] of [
        [['show', 'o-nobody'], 'OrderNotFound'],
        [['cancel', 'o-1'], 'UsageError'],
        [['show', 'o-1', '--address', '127.0.0.1:1'], 'DispatchUnavailable'],
      ] as const) {
        const options = { directory: folder.path };
        const failed = await runCli([...target(), ...args, '--json'], options);
        expect(JSON.parse(failed.stdout)).toEqual({ error: { code, message: expect.any(String) } });
        expect(failed.stderr).toMatch(/^error: /m);
      }
    });

    test('tasks list shows every open task, the oldest first', async () => {
      const first = await escalated();
      const second = await escalated();
      const tasks = await listed(second);
      const ids = tasks.map((task) => task.orderId);
      expect(ids.indexOf(first)).toBeGreaterThanOrEqual(0);
      expect(ids.indexOf(first)).toBeLessThan(ids.indexOf(second));
      const table = await cli(['tasks', 'list']);
      expect(table.stdout).toMatch(/task +│ escalation reason +│ waits for +│/);
      expect(table.stdout).toMatch(
        new RegExp(`│ order ${first} +│\n│ dispatch-order +│ requestDeadLettered +│ ${AGE}`),
      );
      expect(unwrapped(table.stdout)).toContain(
        `its order: ${dispatchOrderWorkflowId(ids[0] ?? '')}`,
      );
    });

    test('tasks show takes an order or a task ID, and prints what happened and what one can do', async () => {
      const orderId = await escalated();
      const byOrder = await cli(['tasks', 'show', orderId]);
      expect(unwrapped(byOrder.stdout)).toContain(`Order ${orderId} waits for a person.`);
      expect(byOrder.stdout).not.toMatch(/[*`]/);
      expect(byOrder.stdout.indexOf('tasks resolve')).toBeLessThan(
        byOrder.stdout.indexOf('waits for a person'),
      );
      expect(unwrapped(byOrder.stdout)).toContain(
        `tasks resolve dispatch-order/${orderId} --decision markDispatched --courier`,
      );
      const byTask = await cli(['tasks', 'show', dispatchOrderWorkflowId(orderId), '--json']);
      expect(JSON.parse(byTask.stdout)).toMatchObject([
        {
          orderId,
          taskId: dispatchOrderWorkflowId(orderId),
          details: expect.stringContaining('waits for a person'),
          humanTask: { escalationReason: 'requestDeadLettered' },
        },
      ]);
    });

    test('tasks show has the order, too, and both rows and the last decision where the databases are known', async () => {
      const orderId = await escalated();
      const temporalAlone = await cli(['tasks', 'show', orderId]);
      expect(temporalAlone.stdout).toMatch(/^items +2 x noodles, 1250 each$/m);
      expect(temporalAlone.stdout).not.toContain('order database');
      await bed.client.getOrder(orderId).resolve({ decision: 'retry', actor: 'ana', note: 'back' });
      await askPerson(bed, bed.client.getOrder(orderId), `${orderId}.2`);
      const shown = await cli(['tasks', 'show', orderId], { environment: databases() });
      expect(shown.stdout).toMatch(/^decision +retry by ana, \d{4}-/m);
      expect(shown.stdout).toMatch(/^order database +escalated, changed/m);
      expect(shown.stdout).toMatch(/^dispatch database +no dispatch$/m);
      const json = await cli(['tasks', 'show', orderId, '--json'], { environment: databases() });
      expect(JSON.parse(json.stdout)).toMatchObject([
        { orderId, order: { orderId }, row: { decision: 'retry' }, dispatch: null },
      ]);
    });

    test('tasks resolve retries the order, and says so', async () => {
      const orderId = await escalated();
      acceptBy(orderId, 'courier-4');
      const resolved = await cli(['tasks', 'resolve', orderId, '--decision', 'retry', ...BY_ANA]);
      expect(resolved.exitCode).toBe(0);
      expect(unwrapped(resolved.stdout)).toContain(
        `order ${orderId} is placed again, with request ${orderId}.2`,
      );
      expect(await bed.client.getOrder(orderId).result()).toMatchObject({
        status: 'dispatched',
        resolvedBy: 'ana',
      });
    });

    test('tasks resolve marks the order dispatched with the courier that the person found', async () => {
      const orderId = await escalated();
      const args = ['--decision', 'markDispatched', '--courier', 'bike-7', ...BY_ANA, '--json'];
      const resolved = await cli(['tasks', 'resolve', dispatchOrderWorkflowId(orderId), ...args]);
      expect(JSON.parse(resolved.stdout)).toMatchObject({
        status: 'dispatched',
        courierId: 'bike-7',
        decidedBy: 'ana',
      });
      await bed.client.getOrder(orderId).result();
      const shown = JSON.parse((await cli(['show', orderId, '--json'])).stdout) as OrderStatusView;
      expect(shown).toMatchObject({ dispatchedBy: 'person', resolvedBy: 'ana' });
    });

    test('a resolution of an order without an open task is refused, and so is a look at it', async () => {
      const order = newOrder();
      await (await bed.client.placeOrder(order)).result();
      for (const args of [
        ['tasks', 'resolve', order.orderId, '--decision', 'retry', ...BY_ANA],
        ['tasks', 'show', order.orderId],
      ]) {
        const refused = await cli(args);
        expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
        expect(refused.stderr).toContain('error: ResolutionRefused: no human task is open');
      }
    });

    test('place --wait tells that a person is needed, and waits until one has decided', async () => {
      const order = newOrder();
      staySilent(order);
      const placing = startCli(
        ['place', '--file', await orderFile(order), '--wait', '--json', ...target()],
        { directory: folder.path },
      );
      const told = () => unwrapped(placing.stderr());
      await eventually(() => told().includes('waiting until order'));
      await askPerson(bed, bed.client.getOrder(order.orderId));
      await eventually(() => told().includes('waits for a person (requestDeadLettered)'));
      expect(told()).toContain(`waiting until order ${order.orderId} is dispatched`);
      expect(told()).toMatch(
        new RegExp(` npx .*tasks resolve \\S*${order.orderId} --decision retry --actor`, 'm'),
      );
      const args = ['--decision', 'markDispatched', '--courier', 'bike-1', ...BY_ANA];
      await cli(['tasks', 'resolve', order.orderId, ...args]);
      const placed = await placing.ended;
      expect(placed.exitCode).toBe(0);
      expect(JSON.parse(placed.stdout)).toMatchObject({ courierId: 'bike-1', resolvedBy: 'ana' });
    });
  });

  describe('cancellation', () => {
    test('cancel waits until the order is given up', async () => {
      const orderId = await escalated();
      const cancelled = await cli(['cancel', orderId, ...BY_ANA]);
      expect(cancelled.exitCode).toBe(0);
      expect(cancelled.stdout).toContain(`order ${orderId} is cancelled`);
      const again = await cli(['cancel', orderId, ...BY_ANA, '--json']);
      expect(JSON.parse(again.stdout)).toMatchObject({ orderId, status: 'cancelled' });
    });

    test('cancel of an order whose courier is on the way exits with 1 and names the courier', async () => {
      const order = newOrder();
      acceptBy(order.orderId, 'courier-9');
      await (await bed.client.placeOrder(order)).result();
      // A courier who is on the way is not given up.
      bed.script(order.orderId, () => ({ kind: 'refuseWithdrawal' }));
      const late = await cli(['cancel', order.orderId, ...BY_ANA]);
      expect(late).toMatchObject({ exitCode: 1, stdout: '' });
      expect(errorLine(late)).toMatch(/^error: TooLateToCancel: .*courier-9$/);
    });
  });

  test('discard --all without a terminal wants --yes', async () => {
    const environment = { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl };
    const { id } = await addDeadLetter();
    const act = (...args: string[]) => cli(['dead-letters', ...args], { environment });
    const shown = await act('show', String(id), '--content');
    expect(shown.stdout).toMatch(/^content \(binary, as base64\) +\/\/4=$/m);
    const refused = await act('discard', '--all', ...BY_ANA);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(errorLine(refused)).toBe(
      'error: discard 1 open dead letters for good? Say so with --yes',
    );
    expect((await act('discard', '--all', '--yes', ...BY_ANA)).stdout).toBe('discarded 1\n');
    expect((await act('list')).stdout).toBe('no dead letter fits\n');
  });

  (hasPython ? test : test.skip)(
    'discard --all asks at a terminal, and takes yes alone for a yes',
    async () => {
      const environment = { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl };
      await addDeadLetter();
      const act = (...args: string[]) => cli(['dead-letters', ...args], { environment });
      const no = await atTerminal(
        ['dead-letters', 'discard', '--all', ...BY_ANA],
        'n\n',
        environment,
      );
      expect(no).toContain('discard 1 open dead letters for good? [y/N] ');
      expect(no).toContain('error: nothing was discarded');
      const still = JSON.parse((await act('list', '--json')).stdout) as { id: string }[];
      expect(still).toHaveLength(1);
      const yes = await atTerminal(
        ['dead-letters', 'discard', '--all', ...BY_ANA],
        'y\n',
        environment,
      );
      expect(yes).toMatch(/\? \[y\/N\] .*discarded 1/s);
      expect((await act('list', '--json')).stdout).toBe('[]\n');
    },
  );

  describe('waiting', () => {
    /** An order whose withdrawal nobody answers for a long time. */
    const unwithdrawable = async () => {
      const order = newOrder();
      acceptBy(order.orderId, 'courier-2');
      await (await bed.client.placeOrder(order)).result();
      bed.script(order.orderId, () => ({ kind: 'staySilent' }));
      return order.orderId;
    };

    test('cancel says after a moment what it waits for, and --timeout ends the waiting alone', async () => {
      const orderId = await unwithdrawable();
      // It says so after two seconds.
      const seconds = Math.ceil(5 * MACHINE_FACTOR);
      const waited = await cli(['cancel', orderId, ...BY_ANA, '--timeout', String(seconds)]);
      expect(waited).toMatchObject({ exitCode: 3, stdout: '' });
      const said = unwrapped(waited.stderr);
      expect(said).toContain(`waiting until the dispatch system has given up order ${orderId}`);
      expect(said).toMatch(
        new RegExp(`^error: WaitTimedOut: waited ${seconds} s until .* show \\S+ `, 'm'),
      );
      expect(await bed.client.getOrder(orderId).status()).toMatchObject({ status: 'cancelling' });
    });

    test('--no-wait asks, and leaves at once', async () => {
      const later = await unwithdrawable();
      const cancelled = await cli(['cancel', later, ...BY_ANA, '--no-wait', '--json']);
      expect(JSON.parse(cancelled.stdout)).toEqual({ orderId: later, asked: 'cancel' });
      const running = await escalated();
      expect(await cli(['cancel', running, ...BY_ANA, '--no-wait'])).toMatchObject({ exitCode: 0 });
      expect(await bed.client.getOrder(running).result()).toMatchObject({ status: 'cancelled' });
      const waits = await escalated();
      acceptBy(waits, 'courier-3');
      const resolve = ['tasks', 'resolve', waits, '--decision', 'retry', ...BY_ANA, '--no-wait'];
      expect(unwrapped((await cli(resolve)).stdout)).toContain(
        `retry is taken down for order ${waits}`,
      );
      expect(await bed.client.getOrder(waits).result()).toMatchObject({ resolvedBy: 'ana' });
      const reconciled = await cli(['reconcile', waits, '--actor', 'ana', '--no-wait']);
      expect(reconciled).toMatchObject({ exitCode: 0 });
    });

    describe('for a workflow that is terminated exits with 1 and says what to do:', () => {
      const terminated = (workflowId: string) =>
        eventually(
          async () => {
            await bed.temporal.workflow.getHandle(workflowId).terminate();
            return true;
          },
          { what: workflowId },
        );
      const silent = async () => {
        const order = newOrder();
        staySilent(order);
        await bed.client.placeOrder(order);
        return order.orderId;
      };
      const refusal = (orderId: string, how: string): unknown[] => [
        1,
        expect.stringMatching(
          new RegExp(
            `^(waiting .*\n)?error: OrderUnsettled: the workflow of order ${orderId} was ${how}: reconciling the order starts it again$`,
          ),
        ),
      ];
      const outcomeOf = async (running: Promise<CliResult>) => {
        const result = await running;
        return [result.exitCode, errorLine(result).replace(/^not known: .*\n/gm, '')];
      };

      test.each(['--wait', '--watch'])('place %s', async (how) => {
        const order = newOrder();
        staySilent(order);
        const running = cli(['place', '--file', await orderFile(order), how]);
        await terminated(dispatchOrderWorkflowId(order.orderId));
        expect(await outcomeOf(running)).toEqual(refusal(order.orderId, 'terminated'));
      });

      test('watch', async () => {
        const orderId = await silent();
        const running = cli(['watch', orderId], { environment: databases() });
        await terminated(dispatchOrderWorkflowId(orderId));
        expect(await outcomeOf(running)).toEqual(refusal(orderId, 'terminated'));
      });

      test('cancel', async () => {
        const orderId = await unwithdrawable();
        const running = cli(['cancel', orderId, ...BY_ANA]);
        await terminated(cancelOrderWorkflowId(orderId));
        expect(await outcomeOf(running)).toEqual(refusal(orderId, 'terminated'));
      });

      test('reconcile', async () => {
        const orderId = await silent();
        // It waits for a supplement system, of which there is none.
        const running = cli(['reconcile', orderId, '--actor', 'ana']);
        await terminated(reconcileOrderWorkflowId(orderId));
        expect(await outcomeOf(running)).toEqual(refusal(orderId, 'terminated'));
      });

      test('tasks resolve', async () => {
        const orderId = await escalated();
        await withConnection(bed.ordersDatabaseUrl, async (connection) => {
          await connection.query('BEGIN');
          await connection.query('SELECT 1 FROM orders WHERE order_id = $1 FOR UPDATE', [orderId]);
          const running = cli(['tasks', 'resolve', orderId, '--decision', 'cancel', ...BY_ANA]);
          await lockAwaited(bed.orders);
          await terminated(dispatchOrderWorkflowId(orderId));
          expect(await outcomeOf(running)).toEqual(
            refusal(orderId, 'ended before it had answered'),
          );
        });
      });
    });

    test('--timeout and --no-wait do not go together', async () => {
      const both = await cli(['cancel', 'o-1', ...BY_ANA, '--no-wait', '--timeout', '3']);
      expect(both).toMatchObject({ exitCode: 2, stdout: '' });
    });

    test('an order that nobody knows is neither cancelled nor reconciled, and leaves no workflow', async () => {
      for (const databases of [
        {},
        {
          ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
          DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
        },
      ]) {
        const environment = { ...databases };
        const orderId = newOrder().orderId;
        for (const args of [
          ['cancel', orderId, ...BY_ANA],
          ['cancel', orderId, ...BY_ANA, '--no-wait'],
          ['reconcile', orderId, '--actor', 'ana'],
        ]) {
          const refused = await cli(args, { environment });
          expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
          expect(errorLine(refused)).toMatch(/^error: OrderNotFound: order \S+ is not known: /);
        }
        for (const workflowId of workflowIdsOf(orderId)) {
          await expect(
            bed.temporal.workflow.getHandle(workflowId).describe(),
          ).rejects.toBeInstanceOf(WorkflowNotFoundError);
        }
      }
    });
  });

  describe('a worker that hangs', () => {
    let surroundings: Surroundings;
    let worker: TestProcess;
    let orderId: string;
    beforeAll(async () => {
      surroundings = await createSurroundings();
      worker = startProcess('worker', surroundings);
      await worker.ready;
      const connection = await Connection.connect({ address: surroundings.stack.temporalAddress });
      const client = new OrderDispatchClient({ connection, namespace: surroundings.namespace });
      const handle = await client.placeOrder(newOrder(), {
        policy: IMPATIENT,
      });
      ({ orderId } = handle);
      await openTask(handle);
      await connection.close();
      worker.kill('SIGSTOP');
    });
    afterAll(async () => {
      worker.kill('SIGKILL');
      await worker.exited;
      await surroundings.remove();
    });

    test('does not keep show from what the databases have: it says so, and exits with 3', async () => {
      const { stack, namespace } = surroundings;
      const args = ['show', orderId, '--address', stack.temporalAddress, '--namespace', namespace];
      const environment = {
        ORDERS_DATABASE_URL: surroundings.ordersDatabaseUrl,
        DISPATCH_DATABASE_URL: surroundings.dispatchDatabaseUrl,
      };
      const [shown, json] = await Promise.all(
        [args, [...args, '--json']].map((each) =>
          runCli(each, { directory: folder.path, environment }),
        ),
      );
      expect(shown?.exitCode).toBe(3);
      expect(shown?.stdout).toMatch(
        /^status +escalated\nworkflow +does not answer: is its worker up\?$/m,
      );
      expect(shown?.stdout).toMatch(/^items +2 x noodles/m);
      expect(shown?.stdout).toMatch(/^order database +escalated, changed/m);
      expect(shown?.stdout).toMatch(/^dispatch database +no dispatch$/m);
      expect(shown?.stderr).toMatch(/^error: DispatchUnavailable: /m);
      expect(json?.exitCode).toBe(3);
      expect(JSON.parse(json?.stdout ?? '')).toMatchObject({
        orderId,
        status: 'escalated',
        unanswered: expect.stringContaining('does a worker run'),
        dispatch: null,
      });
    });

    test('is DispatchUnavailable in every command that needs one', async () => {
      const hanging = ['--address', bed.stack.temporalAddress];
      hanging.push('--namespace', surroundings.namespace);
      const results = await Promise.all(
        [
          ['show', orderId],
          ['tasks', 'show', orderId],
          ['tasks', 'resolve', orderId, '--decision', 'retry', ...BY_ANA],
          ['cancel', orderId, ...BY_ANA],
          ['cancel', orderId, ...BY_ANA, '--no-wait'],
          ['reconcile', orderId, '--actor', 'ana'],
          ['place', '--file', await orderFile(newOrder()), '--wait'],
        ].map((args) => runCli([...args, ...hanging], { directory: folder.path })),
      );
      const unavailable: unknown = expect.stringMatching(
        /^error: DispatchUnavailable: .*does a worker run/m,
      );
      expect(results.map((each) => ({ ...each, stderr: unwrapped(each.stderr) }))).toEqual(
        results.map(() => ({ exitCode: 3, stdout: '', stderr: unavailable })),
      );
    });
  });

  test('without a terminal there are no colours, whatever the environment asks for', async () => {
    const order = newOrder();
    await (await bed.client.placeOrder(order)).result();
    const shown = await cli(['show', order.orderId], {
      environment: { FORCE_COLOR: '1', CI: '1' },
    });
    expect(shown.stdout + shown.stderr).not.toContain('\u001b');
  });
});

describe('bad input', () => {
  let folder: Awaited<ReturnType<typeof createFolder>>;
  beforeAll(async () => {
    folder = await createFolder();
    const order = newOrder();
    const { deliveryAddress } = order;
    const files: Record<string, string> = {
      'good.json': JSON.stringify(order),
      'empty.json': '',
      'broken.json': '{\n  "orderId": "o-1",\n  "note": "SECRET" "x"\n}',
      'unquoted.json': '{"note": SECRET}',
      'field.json': JSON.stringify({
        ...order,
        customerId: 7,
        deliveryAddress: { ...deliveryAddress, postcode: 'SECRET'.repeat(20) },
      }),
      'unknown.json': JSON.stringify({ ...order, tip: 'SECRET' }),
      'policy.json': '{"maximumAttempts": "SECRET"}',
    };
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder.path, name), content);
    }
  });
  afterAll(() => folder.remove());

  test.each<[string, string[], RegExp]>([
    ['an unknown command', ['plaec'], /unknown command 'plaec'/],
    ['an unknown verb', ['tasks', 'lsit'], /unknown command 'lsit'/],
    ['an unknown option', ['show', 'o-1', '--jsn'], /unknown option '--jsn'/],
    ['a missing argument', ['show'], /missing required argument 'ORDER'/],
    ['an order ID that is none', ['show', 'o 1'], /^error: ORDER: must be 1-64 characters/],
    ['a missing file option', ['place'], /^error: --file is needed/],
    ['a missing actor', ['cancel', 'o-1', '--note', 'n'], /'--actor <name>' not specified/],
    ['a missing note', ['cancel', 'o-1', '--actor', 'a'], /'--note <text>' not specified/],
    ['an empty actor', ['cancel', 'o-1', '--actor', ' ', '--note', 'n'], /^error: --actor: /],
    ...['you', 'WHY', 'Courier', 'YOUR NAME', 'ana\u001b[2J', 'ana\nbob', 'a\u202enna'].map(
      (actor): [string, string[], RegExp] => [
        `the actor ${JSON.stringify(actor)}`,
        ['cancel', 'o-1', '--actor', actor, '--note', 'n'],
        /^error: --actor: (is still the placeholder: fill it in|has a control character: leave it out)$/m,
      ],
    ),
    [
      'a note that is still the placeholder',
      ['dead-letters', 'discard', '1', '--actor', 'ana', '--note', 'why'],
      /^error: --note: is still the placeholder/,
    ],
    [
      'a courier with a control character',
      [
        'tasks',
        'resolve',
        'o-1',
        '--decision',
        'markDispatched',
        '--courier',
        'b\u0007',
        ...BY_ANA,
      ],
      /^error: --courier: has a control character/,
    ],
    [
      'a placeholder of reconcile',
      ['reconcile', 'o-1', '--actor', 'YOUR NAME'],
      /^error: --actor: is still the placeholder/,
    ],
    ['a missing decision', ['tasks', 'resolve', 'o-1', ...BY_ANA], /'--decision <decision>'/],
    [
      'an unknown decision',
      ['tasks', 'resolve', 'o-1', '--decision', 'undo', ...BY_ANA],
      /Allowed choices are retry, markDispatched, cancel/,
    ],
    [
      'markDispatched without a courier',
      ['tasks', 'resolve', 'o-1', '--decision', 'markDispatched', ...BY_ANA],
      /^error: --courier: is needed/,
    ],
    [
      'a file that is not there',
      ['place', '--file', 'no.json'],
      /order file no\.json does not exist/,
    ],
    ['an empty file', ['place', '--file', 'empty.json'], /order file empty\.json is empty/],
    [
      'JSON that breaks',
      ['place', '--file', 'broken.json'],
      /broken\.json is not JSON \(line 3, column 20\)/,
    ],
    [
      'JSON that is none',
      ['place', '--file', 'unquoted.json'],
      /order file unquoted\.json is not JSON/,
    ],
    [
      'bad fields',
      ['place', '--file', 'field.json'],
      /order\.customerId: .*order\.deliveryAddress\.postcode: /,
    ],
    ['an unknown field', ['place', '--file', 'unknown.json'], /InvalidOrder: order: .*"tip"/],
    [
      'a bad policy',
      ['place', '--file', 'good.json', '--policy-file', 'policy.json'],
      /InvalidPolicy: policy\.maximumAttempts: /,
    ],
    [
      'a policy that is not JSON',
      ['place', '--file', 'good.json', '--policy', '{SECRET'],
      /--policy is not JSON/,
    ],
    [
      'two policies',
      ['place', '--file', 'good.json', '--policy', '{}', '--policy-file', 'policy.json'],
      /cannot be used with option/,
    ],
  ])(
    '%s exits with 2 and one line that names it, without a value or a stack trace',
    async (_what, args, message) => {
      const result = await runCli(args, { directory: folder.path });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(unwrapped(result.stderr)).toMatch(/^error: [^\n]+\n$/);
      expect(unwrapped(result.stderr)).toMatch(message);
      expect(result.stderr).not.toContain('SECRET');
    },
  );
});

describe('help', () => {
  test('the top-level help teaches the commands, the exit codes and the target', async () => {
    const { exitCode, stdout } = await runCli(['--help']);
    expect(exitCode).toBe(0);
    for (const text of ['place', 'show', 'cancel', 'tasks', 'setup', 'Exit codes:', 'npm run up']) {
      expect(stdout).toContain(text);
    }
  });

  test.each([
    'place',
    'show',
    'cancel',
    'tasks',
    'tasks list',
    'tasks show',
    'tasks resolve',
    'bulk',
    'bulk list',
    'bulk show',
    'bulk abort',
    'setup',
    'setup search-attributes',
    'setup migrate',
    'setup token',
    'repairs',
    'repairs list',
    'repairs show',
    'erase',
    'prune',
    'dead-letters list',
    'dead-letters show',
    'dead-letters replay',
    'dead-letters discard',
  ])('the help of `%s` has a description and an example', async (name) => {
    const { exitCode, stdout } = await runCli([...name.split(' '), '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: .*\n\n[A-Z][^.]*\.\n/);
    const examples = stdout.replaceAll(/ \\\n +/g, ' ');
    expect(examples).toMatch(new RegExp(`Examples?:\\n.*order-dispatch ${name}`));
  });

  test.each([
    '',
    'place',
    'show',
    'cancel',
    'reconcile',
    'sweep',
    'tasks',
    'tasks resolve',
    'bulk show',
    'bulk abort',
    'dead-letters list',
    'dead-letters replay',
    'dead-letters discard',
    'repairs list',
    'prune',
    'erase',
    'setup migrate',
    'setup token',
    'setup search-attributes',
  ])('the help of `%s` fits 80 columns', async (name) => {
    const { stdout } = await runCli([...name.split(' ').filter(Boolean), '--help'], {
      directory: join(__dirname, '..', '..'),
    });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('no command at all is a usage error that shows the help on stderr', async () => {
    const result = await runCli([]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain('Usage: order-dispatch');
  });

  test('--version prints the version of the package', async () => {
    const { version } = jest.requireActual<{ version: string }>('../../package.json');
    expect(await runCli(['--version'])).toEqual({
      exitCode: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});
