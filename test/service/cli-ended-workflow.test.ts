import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OrderHandle } from '../../client';
import { insertBulkRun } from '../../database/orders/bulk';
import type { Decide } from '../../dispatch-system/decide';
import {
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
  releaseHoldWorkflowId,
} from '../../domain/temporal-names';
import { hold } from '../../operations/hold';
import { createFolder, errorLine, startCli, unwrapped, type RunningCli } from '../run-cli';
import { eventually, lockAwaited, newOrder, openTask, setup, type TestBed } from '../setup';

const BY_ANA = ['--actor', 'ana', '--note', 'she said so'];
const SILENT: Decide = () => ({ kind: 'staySilent' });

describe('a command that waits for a workflow that is gone exits with 1 and says what to do:', () => {
  let bed: TestBed;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  beforeAll(async () => {
    [bed, folder] = await Promise.all([setup({ policy: { quickWindowMs: 0 } }), createFolder()]);
  });
  const started: RunningCli[] = [];
  afterAll(async () => {
    for (const command of started) command.interrupt();
    await bed.close();
    await folder.remove();
  });

  const start = (...args: string[]): RunningCli => {
    const command = startCli(args, {
      directory: folder.path,
      environment: {
        TEMPORAL_ADDRESS: bed.stack.temporalAddress,
        TEMPORAL_NAMESPACE: bed.namespace,
        ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
        DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
      },
    });
    started.push(command);
    return command;
  };
  const said = (command: RunningCli, what: string) =>
    Promise.race([
      eventually(() => unwrapped(command.stderr() + command.stdout()).includes(what), { what }),
      command.ended.then(({ stderr }) => {
        throw new Error(`it did not wait: ${stderr}`);
      }),
    ]);
  const terminate = (workflowId: string) => bed.temporal.workflow.getHandle(workflowId).terminate();
  /** An order that the dispatch system never answers, and that waits for a person if it is not patient. */
  const unanswered = async (isPatient = true): Promise<OrderHandle> => {
    const order = newOrder();
    bed.script(order.orderId, SILENT);
    return bed.client.placeOrder(order, {
      policy: isPatient
        ? { acknowledgementTimeoutMs: 60_000 }
        : { acknowledgementTimeoutMs: 100, maximumAttempts: 1 },
    });
  };
  const expectEnd = async (command: RunningCli, line: string) => {
    const ended = await command.ended;
    expect([ended.exitCode, errorLine(ended)]).toEqual([1, expect.stringContaining(line)]);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  };
  const unsettled = (orderId: string, how: string) =>
    `error: OrderUnsettled: the workflow of order ${orderId} was ${how}: reconciling the order starts it again`;
  const wasTerminated = (orderId: string) => unsettled(orderId, 'terminated');

  test.each(['--wait', '--watch'])('place %s', async (how) => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, SILENT);
    await writeFile(join(folder.path, 'order.json'), JSON.stringify(order));
    const command = start('place', '--file', 'order.json', how);
    await said(command, how === '--wait' ? `until order ${orderId}` : 'requested');
    await terminate(dispatchOrderWorkflowId(orderId));
    await expectEnd(command, wasTerminated(orderId));
  });

  test('watch', async () => {
    const { orderId } = await unanswered();
    const command = start('watch', orderId);
    await said(command, 'placed');
    await terminate(dispatchOrderWorkflowId(orderId));
    await expectEnd(command, wasTerminated(orderId));
  });

  test('cancel', async () => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, ({ kind }) =>
      kind === 'request' ? { kind: 'accept', courierId: 'courier-1' } : { kind: 'staySilent' },
    );
    await (await bed.client.placeOrder(order)).result();
    const command = start('cancel', orderId, ...BY_ANA);
    await said(command, `has given up order ${orderId}`);
    await terminate(cancelOrderWorkflowId(orderId));
    await expectEnd(command, wasTerminated(orderId));
  });

  test('reconcile', async () => {
    const { orderId } = await unanswered();
    // Without a supplement system it waits.
    const command = start('reconcile', orderId, '--actor', 'ana');
    await said(command, `what is known of order ${orderId}`);
    await terminate(reconcileOrderWorkflowId(orderId));
    await expectEnd(command, wasTerminated(orderId));
  });

  test('tasks resolve', async () => {
    const handle = await unanswered(false);
    const { orderId } = handle;
    await openTask(handle);
    await bed.orders.$transaction(
      async (transaction) => {
        await transaction.$queryRaw`SELECT 1 FROM orders WHERE order_id = ${orderId} FOR UPDATE`;
        const command = start('tasks', 'resolve', orderId, '--decision', 'cancel', ...BY_ANA);
        await lockAwaited(bed.orders);
        await terminate(dispatchOrderWorkflowId(orderId));
        await expectEnd(command, unsettled(orderId, 'ended before it had answered'));
      },
      { timeout: 110_000 },
    );
  });

  test('bulk show --watch', async () => {
    await openTask(await unanswered(false));
    const run = {
      decision: 'retry',
      filter: { kind: 'order' },
      ratePerSecond: 20,
      limit: 1,
    } as const;
    const by = { actor: 'ana', note: 'she said so', via: 'cli' } as const;
    // As a command leaves it that was killed before it started the workflow.
    const begun = await insertBulkRun(bed.databases.orders, { ...run, ...by });
    const id = String(begun?.id);
    const line = `error: ResolutionRefused: bulk run ${id} stands still, since its workflow does not run; to have it go on: `;
    await expectEnd(start('bulk', 'show', id, '--watch'), line);
  });

  test('release', async () => {
    const { id } = await hold(bed.databases.orders, { actor: 'ana', note: 'for a while' });
    const handle = await unanswered();
    await eventually(async () => (await handle.status()).isHeld, { what: 'it is held' });
    const command = start('release', ...BY_ANA, '--watch', '3600');
    await said(command, 'releasing 1 order');
    await terminate(releaseHoldWorkflowId(id));
    await expectEnd(
      command,
      `error: ResolutionRefused: ${releaseHoldWorkflowId(id)} was ended before all orders were released`,
    );
  });
});
