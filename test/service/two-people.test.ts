import type { PolicyOverrides } from '../../client';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { runCli } from '../run-cli';
import { eventually, newOrder, openTask, setup, type TestBed } from '../setup';

/** Silence becomes a human task within half a second. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 200,
  initialIntervalMs: 50,
  maximumAttempts: 1,
};

let bed: TestBed;
beforeAll(async () => (bed = await setup({ policy: IMPATIENT })));
afterAll(() => bed.close());

const escalate = async () => {
  const order = newOrder();
  bed.script(order.orderId, ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
  );
  const handle = await bed.client.placeOrder(order);
  const { humanTask } = await openTask(handle);
  if (!humanTask) throw new Error('no human task');
  return { handle, openedAt: humanTask.escalatedAt };
};

describe('two people at the same task:', () => {
  test('a resolution that means a task of before is refused where another one is open by now', async () => {
    const { handle, openedAt } = await escalate();
    const retry = { decision: 'retry', actor: 'ana', note: 'again' } as const;
    await handle.resolve({ ...retry, openedAt });
    const again = await eventually(async () => {
      const { humanTask } = await handle.status();
      return humanTask && humanTask.escalatedAt !== openedAt && humanTask;
    });
    await expect(handle.resolve({ ...retry, actor: 'ben', openedAt })).rejects.toMatchObject({
      code: 'ResolutionRefused',
      message: `another human task is open by now, since ${again.escalatedAt}: look at it first`,
    });
    expect((await handle.status()).humanTask).toEqual(again);
    const tasks = await bed.orders.auditEntry.findMany({ where: { orderId: handle.orderId } });
    expect(tasks.map(({ actor }) => actor)).toEqual(['ana']);
  });

  test('of two who resolve at once one wins, and the other hears who decided what, and when', async () => {
    const { handle, openedAt } = await escalate();
    const resolveAs = (actor: string) =>
      handle.resolve({
        ...{ decision: 'markDispatched', courierId: `bike-of-${actor}`, actor, note: 'by phone' },
        openedAt,
      });
    const both = await Promise.allSettled(['ana', 'ben'].map(resolveAs));
    const [refusal] = both.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as Error] : [],
    );
    const { resolvedBy } = await handle.result();
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(refusal).toMatchObject({ code: 'ResolutionRefused' });
    expect(refusal?.message).toContain(`by ${resolvedBy} at ${new Date().getUTCFullYear()}-`);
    expect(refusal?.message).toContain('markDispatched');
    const acts = await bed.orders.auditEntry.findMany({ where: { orderId: handle.orderId } });
    expect(acts).toMatchObject([{ act: 'resolve', actor: resolvedBy }]);
  });
});

describe('on the command line', () => {
  const cli = (...args: string[]) =>
    runCli(args, {
      environment: {
        TEMPORAL_ADDRESS: bed.stack.temporalAddress,
        TEMPORAL_NAMESPACE: bed.namespace,
        ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
      },
    });
  const plain = ({ stderr }: { stderr: string }) => stderr.replace(/\s+/g, ' ');

  test('people claim a task, take it over, write about it, snooze it and give it back; audit tells all of it', async () => {
    const { handle } = await escalate();
    const { orderId } = handle;
    const task = (verb: string, actor: string, ...args: string[]) =>
      cli('tasks', verb, orderId, '--actor', actor, ...args);
    const claimed = await task('claim', 'mia');
    expect(claimed).toMatchObject({ exitCode: 0 });
    expect(claimed.stdout).toMatch(
      new RegExp(`^task ${dispatchOrderWorkflowId(orderId)} is mia's until\\s+\\d{4}-`),
    );
    const refused = await task('claim', 'ben');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(plain(refused)).toMatch(/mia has claimed task \S+ until \S+: it can be taken over/);
    expect(await task('claim', 'ben', '--take-over')).toMatchObject({ exitCode: 2 });
    expect(await task('claim', 'ben', '--take-over', '--note', 'mia is off')).toMatchObject({
      exitCode: 0,
    });
    const listed = await cli('tasks', 'list', '--claimed-by', 'ben', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ orderId, claimedBy: 'ben' }]);
    expect(await task('note', 'ben', '--note', 'nobody picks up')).toMatchObject({ exitCode: 0 });
    expect(await task('snooze', 'ben', '--until', '30m', '--note', 'later')).toMatchObject({
      exitCode: 0,
    });
    expect(await task('release', 'mia')).toMatchObject({ exitCode: 1 });
    expect(await task('release', 'ben')).toMatchObject({ exitCode: 0 });

    const audit = await cli('audit', '--order', orderId, '--json');
    expect(JSON.parse(audit.stdout)).toMatchObject([
      { act: 'release', actor: 'ben', via: 'cli' },
      { act: 'snooze', note: 'later' },
      { act: 'note', note: 'nobody picks up' },
      { act: 'takeOver', actor: 'ben', note: 'mia is off' },
      { act: 'claim', actor: 'mia' },
    ]);
    const ofMia = await cli('audit', '--actor', 'mia', '--order', orderId);
    expect(ofMia.stdout).toMatch(/claim +│ mia +│ cli/);
    expect(ofMia.stdout).not.toContain('ben');
  });

  test('a claim whose time is over is no claim: the next one takes it without being asked', async () => {
    const { handle } = await escalate();
    const { orderId } = handle;
    expect(await cli('tasks', 'claim', orderId, '--actor', 'mia')).toMatchObject({ exitCode: 0 });
    await bed.orders.humanTask.updateMany({
      where: { orderId },
      data: { claimedUntil: new Date(Date.now() - 1) },
    });
    const listed = await cli('tasks', 'list', '--claimed-by', 'mia', '--json');
    expect(JSON.parse(listed.stdout)).not.toContainEqual(expect.objectContaining({ orderId }));
    expect(await cli('tasks', 'claim', orderId, '--actor', 'ben')).toMatchObject({ exitCode: 0 });
  });
});
