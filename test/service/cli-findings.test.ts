import type { OrderHandle } from '../../client';
import { reconcileOrderWorkflowId } from '../../domain/temporal-names';
import { createFolder, errorLine, runCli, startCli, unwrapped } from '../run-cli';
import { eventually, newOrder, setup, type TestBed } from '../setup';

const BY_ANA = ['--actor', 'ana', '--note', 'looked into it'];

describe('findings on the command line', () => {
  let bed: TestBed;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  beforeAll(async () => {
    [bed, folder] = await Promise.all([setup(), createFolder()]);
    await bed.startSupplementSystem({ graceMs: 60_000 });
  });
  afterAll(async () => {
    await bed.close();
    await folder.remove();
  });

  const where = () => ({
    directory: folder.path,
    environment: {
      TEMPORAL_ADDRESS: bed.stack.temporalAddress,
      TEMPORAL_NAMESPACE: bed.namespace,
      ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
    },
  });
  const cli = (...args: string[]) => runCli(args, where());
  const reconcile = (orderId: string) => cli('reconcile', orderId, '--actor', 'ana');
  const dispatched = async (): Promise<OrderHandle> => {
    const handle = await bed.client.placeOrder(newOrder());
    await handle.result();
    return handle;
  };
  const loseRow = (orderId: string) => bed.orders.order.delete({ where: { orderId } });
  const loseCourier = (orderId: string) =>
    bed.dispatches.dispatch.updateMany({ where: { orderId }, data: { status: 'withdrawn' } });
  const findingListed = (orderId: string) =>
    eventually(async () => {
      for await (const task of bed.client.humanTasks()) {
        if (task.orderId === orderId && task.escalationReason === 'discrepancy') return true;
      }
      return false;
    });

  test('reconcile says what was found and that nothing is to be done about it', async () => {
    const { orderId } = await dispatched();
    const { exitCode, stdout } = await reconcile(orderId);
    expect(exitCode).toBe(0);
    expect(unwrapped(stdout)).toBe(
      `nothing is to be done about order ${orderId}: the courier of the acknowledgement is on the way\n`,
    );
  });

  test('an order that nobody knows is never called in order, with a courier on the way or without', async () => {
    const { orderId } = await dispatched();
    await loseRow(orderId);
    const reconciling = startCli(['reconcile', orderId, '--actor', 'ana'], where());
    await findingListed(orderId);
    await cli('tasks', 'resolve', orderId, '--decision', 'keep', ...BY_ANA);
    const kept = await reconciling.ended;
    expect(unwrapped(kept.stdout)).toMatch(
      /nobody knows the order, but a courier is on the way.*kept by ana/s,
    );
    await bed.dispatches.dispatch.deleteMany({ where: { orderId } });
    const gone = await reconcile(orderId);
    expect(unwrapped(gone.stdout)).toContain(
      'nobody knows the order, and no courier is on the way',
    );
    expect(kept.stdout + gone.stdout).not.toMatch(/\bin order\b/);
  });

  test('a resolution of a finding that is settled, or of none, is refused with a word about findings', async () => {
    const { orderId } = await dispatched();
    const taskId = reconcileOrderWorkflowId(orderId);
    const resolve = () => cli('tasks', 'resolve', taskId, '--decision', 'keep', ...BY_ANA);
    const none = await resolve();
    expect(none).toMatchObject({ exitCode: 1, stdout: '' });
    expect(errorLine(none)).toBe(
      `error: ResolutionRefused: there is no finding about order ${orderId}: check the task ID`,
    );
    await reconcile(orderId);
    const settled = await resolve();
    expect(settled).toMatchObject({ exitCode: 1, stdout: '' });
    expect(errorLine(settled)).toBe(
      `error: ResolutionRefused: no human task is open: no finding about order ${orderId} waits for a person`,
    );
  });

  test('sweep says how many it looked at, what it found, and how many of those wait for a person', async () => {
    const found = (await dispatched()).orderId;
    await loseCourier(found);
    const sweep = () => cli('sweep', '--days', '1', '--minutes', '0');
    expect((await sweep()).stdout).toMatch(/^looked at \d+ orders; \d+ are being reconciled/);
    await findingListed(found);
    const again = await sweep();
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toMatch(/^looked at \d+ orders; 1 are being reconciled, 1 of them wait/);
    expect(again.stdout).toContain(`wait for a person\n${found}\n`);
    await cli('tasks', 'resolve', found, '--decision', 'keep', ...BY_ANA);
  });
});
