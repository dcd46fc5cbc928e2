import { contentHash } from '../../domain/content-hash';
import { insertOrRead } from '../../database/orders/record-order';
import { OrderNotFound } from '../../domain/errors';
import { GUIDANCE } from '../../domain/guidance';
import { DEFAULT_POLICY } from '../../domain/policy';
import { ESCALATION_REASONS } from '../../domain/status';
import { withdrawalIdOf } from '../../domain/request-id';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { explainOrder } from '../../domain/why';
import type { PendingAttempt, WhyFacts, WhyOrder } from '../../domain/why-facts';
import type { Why } from '../../domain/why-reason';
import type { Decide } from '../../dispatch-system/decide';
import { gatherWhyFacts } from '../../operations/why';
import { silentLogger } from '../../runtime/logger';
import type { PolicyOverrides } from '../../client';
import { patience } from '../patience';
import { errorLine, runCli, unwrapped } from '../run-cli';
import { askPerson, eventually, inTurn, newOrder, openTask, setup, type TestBed } from '../setup';

const NOW = '2026-11-25T03:04:20.000Z';
const MIA = { actor: 'mia', note: 'by phone' };
const HOUR_MS = 3_600_000;
const SILENT: Decide = () => ({ kind: 'staySilent' });
const BRISK: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: patience(30),
  initialIntervalMs: 50,
  maximumAttempts: 1,
};
const SLOW: PolicyOverrides = { ...BRISK, acknowledgementTimeoutMs: 60_000, maximumAttempts: 3 };

describe('the rule', () => {
  const order = (fields: Partial<WhyOrder> = {}): WhyOrder => ({
    orderId: 'o-1',
    status: 'placed',
    requestNumber: 1,
    attempts: 3,
    dispatchBy: '2026-11-25T03:50:00.000Z',
    policy: { ...DEFAULT_POLICY, acknowledgementTimeoutMs: 30_000 },
    createdAt: '2026-11-25T03:00:00.000Z',
    updatedAt: '2026-11-25T03:04:00.000Z',
    ...fields,
  });
  const facts = (fields: Partial<WhyFacts> = {}): WhyFacts => ({
    orderId: 'o-1',
    now: NOW,
    order: order(),
    owner: { state: 'running' },
    tasks: [],
    openDeadLetters: 0,
    notKnown: [],
    ...fields,
  });
  const attempting = (fields: Partial<PendingAttempt>): WhyFacts['owner'] => ({
    state: 'running',
    attempt: {
      kind: 'request',
      number: 3,
      of: 5,
      endsAt: '2026-11-25T03:50:00.000Z',
      ...fields,
    },
  });

  test('names what an attempt that is out waits for, what comes next, and when', () => {
    const { text, ...reason } = explainOrder(
      facts({
        owner: attempting({
          startedAt: '2026-11-25T03:04:09.000Z',
          confirmedAt: '2026-11-25T03:04:10.000Z',
        }),
        requestsQueue: { messages: 0, consumers: 0 },
      }),
    );
    expect(text).toBe(
      'waiting for an acknowledgement since 2026-11-25T03:04:10.000Z (attempt 3 of 5); confirmed by the broker 2026-11-25T03:04:10.000Z; `dispatch.requests` has 0 consumers; next attempt 2026-11-25T03:04:48.000Z; escalates 2026-11-25T03:06:04.000Z; you can: wait, cancel.',
    );
    expect(reason).toMatchObject({
      waitsFor: 'acknowledgement',
      nextAttemptAt: '2026-11-25T03:04:48.000Z',
      escalatesAt: '2026-11-25T03:06:04.000Z',
    });
  });

  test.each([
    [1, 2],
    [5, 32],
    [6, 60],
    [9, 60],
  ])(
    'after attempt %i comes a pause of %i s: twice as long each time, and never longer than the policy allows',
    (number, pauseSeconds) => {
      const after = (confirmedAt: string) =>
        attempting({
          number,
          of: number + 1,
          startedAt: NOW,
          confirmedAt,
          endsAt: '2026-11-25T23:00:00.000Z',
        });
      const { nextAttemptAt = '', escalatesAt = '' } = explainOrder(facts({ owner: after(NOW) }));
      const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1_000;
      expect(seconds(NOW, nextAttemptAt)).toBe(30 + pauseSeconds);
      expect(seconds(nextAttemptAt, escalatesAt)).toBe(30);
    },
  );

  test('an order never escalates later than its deadline', () => {
    const { escalatesAt, nextAttemptAt } = explainOrder(
      facts({
        owner: attempting({
          startedAt: NOW,
          confirmedAt: NOW,
          endsAt: '2026-11-25T03:04:30.000Z',
        }),
      }),
    );
    expect(escalatesAt).toBe('2026-11-25T03:04:30.000Z');
    expect(nextAttemptAt).toBeUndefined();
  });

  test.each([
    ['broker', 'waiting for RabbitMQ since'],
    ['database', 'waiting for the order database since'],
  ] as const)('an outage of the %s is named, and burns no attempt', (waitsFor, words) => {
    const why = explainOrder(facts({ owner: attempting({ startedAt: NOW, waitsFor }) }));
    expect(why).toMatchObject({ waitsFor, escalatesAt: '2026-11-25T03:50:00.000Z' });
    expect(why.text).toContain(words);
  });

  test('a pause between attempts says when it ends', () => {
    const why = explainOrder(
      facts({ owner: attempting({ scheduledAt: '2026-11-25T03:04:48.000Z' }) }),
    );
    expect(why).toMatchObject({
      waitsFor: 'nextAttempt',
      nextAttemptAt: '2026-11-25T03:04:48.000Z',
    });
    expect(why.text).toContain('waiting for the next attempt 2026-11-25T03:04:48.000Z');
  });

  test('without a worker it says so', () => {
    const owner: WhyFacts['owner'] = { state: 'running', withoutWorkerSince: NOW };
    expect(explainOrder(facts({ owner }))).toMatchObject({ waitsFor: 'worker', since: NOW });
  });

  test.each(ESCALATION_REASONS)('a task for %s has its guidance', (escalationReason) => {
    const task = { taskId: 'dispatch-order/o-1', escalationReason, openedAt: NOW };
    const why = explainOrder(facts({ order: order({ status: 'escalated' }), tasks: [task] }));
    expect(why).toMatchObject({
      waitsFor: 'person',
      since: NOW,
      tasks: [{ guidance: GUIDANCE[escalationReason] }],
    });
    expect(why.text).toContain(GUIDANCE[escalationReason].means.slice(0, -1));
  });

  test('an erased order waits for nothing', () => {
    const why = explainOrder(facts({ order: order({ status: 'cancelled', erasedAt: NOW }) }));
    expect(why).toMatchObject({ waitsFor: 'nothing', youCan: [] });
    expect(why.text).toContain('erased');
  });

  test('what nobody could say is not guessed', () => {
    const why = explainOrder({
      orderId: 'o-1',
      now: NOW,
      owner: { state: 'notKnown' },
      tasks: [],
      openDeadLetters: 0,
      notKnown: ['Temporal (it is away)'],
    });
    expect(why).toMatchObject({ waitsFor: 'notKnown', notKnown: ['Temporal (it is away)'] });
    expect(why.text).toContain('not known: Temporal (it is away)');
  });
});

describe('why', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
  });
  afterAll(() => bed.close());

  const sources = () => ({
    temporal: { temporal: bed.temporal, orders: bed.client },
    ordersDatabaseUrl: bed.ordersDatabaseUrl,
    amqpUrl: bed.amqpUrl,
    log: silentLogger(),
  });
  const why = async (orderId: string, given = sources()): Promise<Why> =>
    explainOrder(await gatherWhyFacts(given, orderId));
  const place = (decide: Decide, policy: PolicyOverrides) => {
    const order = newOrder();
    bed.script(order.orderId, decide);
    return bed.client.placeOrder(order, { policy });
  };
  const becomes = (orderId: string, waitsFor: Why['waitsFor']) =>
    eventually(
      async () => {
        const found = await why(orderId);
        return found.waitsFor === waitsFor && found;
      },
      { what: `${orderId} to wait for ${waitsFor}` },
    );
  const cli = (...args: string[]) =>
    runCli([...args, '--address', bed.stack.temporalAddress, '--namespace', bed.namespace], {
      environment: { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl, AMQP_URL: bed.amqpUrl },
    });

  test('on the quick path: its window, and what reads the queue', async () => {
    // Its window is three seconds at the most: if the machine took longer to look, another order is looked at.
    const { text } = await eventually(async () => {
      const { orderId } = await place(SILENT, { quickWindowMs: 3_000 });
      const found = await becomes(orderId, 'acknowledgement');
      return found.text.includes('on the quick path') && found;
    });
    expect(text).toContain('`dispatch.requests` has 1 consumer');
  });

  test('on the durable path: which attempt, its confirm, the next one, and when a person is asked', async () => {
    const handle = await place(SILENT, SLOW);
    const found = await becomes(handle.orderId, 'acknowledgement');
    expect(found).toMatchObject({ status: 'placed', attempt: { number: 1, of: 3 } });
    const { confirmedAt = '', nextAttemptAt = '', escalatesAt = '' } = found;
    expect(Date.parse(nextAttemptAt) - Date.parse(confirmedAt)).toBe(60_050);
    expect(Date.parse(escalatesAt) - Date.parse(confirmedAt)).toBe(180_150);
    await handle.cancel(MIA);
  });

  test('between two attempts: when the next one begins', async () => {
    const { orderId } = await place(SILENT, {
      ...SLOW,
      acknowledgementTimeoutMs: patience(100),
      ...{ initialIntervalMs: HOUR_MS / 2, maximumIntervalMs: HOUR_MS / 2 },
    });
    const { attempt, nextAttemptAt = '' } = await becomes(orderId, 'nextAttempt');
    expect(attempt).toEqual({ number: 2, of: 3 });
    expect(Date.parse(nextAttemptAt)).toBeGreaterThan(Date.now() + HOUR_MS / 4);
  });

  test('after a rejection that welcomes a new request: when it is asked again', async () => {
    const retryAfterMs = HOUR_MS / 2;
    const rejected = { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs };
    const { orderId } = await place(inTurn(rejected as never), SLOW);
    const { text } = await becomes(orderId, 'nextRequest');
    expect(text).toContain('rejected with noCourierAvailable');
  });

  test('an escalated order: since when, what it means, what one can do, and who looks at it', async () => {
    const handle = await place(SILENT, BRISK);
    await openTask(handle);
    await cli('tasks', 'claim', handle.orderId, '--actor', 'mia');
    const found = await why(handle.orderId);
    expect(found).toMatchObject({
      status: 'escalated',
      waitsFor: 'person',
      youCan: ['retry', 'markDispatched', 'cancel'],
      tasks: [{ escalationReason: 'noAcknowledgement', claimedBy: 'mia' }],
      notKnown: [],
    });
    const details = await cli('tasks', 'show', handle.orderId);
    // The same words as in the Web UI's details.
    expect(unwrapped(details.stdout)).toContain(
      `Waiting for a person since ${found.since} (noAcknowledgement); due `,
    );
    expect(unwrapped(details.stdout)).toContain(GUIDANCE.noAcknowledgement.checkFirst.slice(0, 30));
  });

  test('an order that is being cancelled waits for its withdrawal’s answer, and then for a person', async () => {
    const handle = await place(SILENT, SLOW);
    const { orderId } = handle;
    await becomes(handle.orderId, 'acknowledgement');
    await bed.asked(`${orderId}.1`);
    // With a courier, the dispatch system is asked.
    await bed.dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-3' },
    });
    void handle.cancel(MIA).catch(() => {});
    expect(await becomes(handle.orderId, 'withdrawalAnswer')).toMatchObject({
      status: 'cancelling',
      youCan: ['wait'],
    });
    await askPerson(bed, handle, withdrawalIdOf(orderId));
    expect(await becomes(handle.orderId, 'person')).toMatchObject({
      youCan: ['retry'],
      tasks: [{ escalationReason: 'withdrawalFailed' }],
    });
  });

  test('a dispatched order says by whom: an acknowledgement, a person, a late acceptance', async () => {
    const quick = await place(inTurn({ kind: 'accept', courierId: 'courier-1' }), {});
    await quick.result();
    expect((await why(quick.orderId)).text).toMatch(
      /^waiting for nothing: dispatched with courier courier-1 at \S+, by an acknowledgement; you can: cancel\.$/,
    );

    const withdraws: Decide = ({ kind }) => ({
      kind: kind === 'withdrawal' ? 'withdraw' : 'staySilent',
    });
    const byHand = await place(withdraws, BRISK);
    await openTask(byHand);
    await byHand.resolve({ decision: 'markDispatched', courierId: 'bike-7', ...MIA });
    await byHand.result();
    expect((await why(byHand.orderId)).text).toContain('by mia, who marked it as dispatched');

    const late = await place(SILENT, BRISK);
    await openTask(late);
    await bed.acknowledge({
      requestId: `${late.orderId}.1`,
      outcome: 'accepted',
      courierId: 'courier-2',
    });
    await late.result();
    expect((await why(late.orderId)).text).toContain('by a late acceptance, which closed');
  });

  test('a cancelled order says why: rejected, or taken back by somebody', async () => {
    const rejected = await place(inTurn({ kind: 'reject', rejectionCode: 'outOfZone' }), {});
    await rejected.result();
    expect((await why(rejected.orderId)).text).toContain(
      'the dispatch system rejected it (outOfZone)',
    );
    const taken = await bed.client.placeOrder(newOrder());
    await taken.result();
    await taken.cancel(MIA);
    expect(await why(taken.orderId)).toMatchObject({ status: 'cancelled', waitsFor: 'nothing' });
    expect((await why(taken.orderId)).text).toContain('mia cancelled it, and it was withdrawn');
  });

  test('an order whose row is lost, whose workflow was ended, or is gone, waits for a reconciliation', async () => {
    const lost = await place(inTurn({ kind: 'accept', courierId: 'courier-1' }), {});
    await lost.result();
    await bed.orders.order.delete({ where: { orderId: lost.orderId } });
    expect(await why(lost.orderId)).toMatchObject({ status: null, waitsFor: 'nobody' });

    const ended = await place(SILENT, SLOW);
    await becomes(ended.orderId, 'acknowledgement');
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(ended.orderId)).terminate('test');
    const found = await why(ended.orderId);
    expect(found).toMatchObject({ waitsFor: 'nobody', youCan: ['reconcile'] });
    expect(found.text).toContain('its workflow has ended (terminated)');

    const gone = await recordOnly();
    expect((await why(gone)).text).toContain('Temporal has no workflow of it');
  });

  test('an order that nobody knows is not found', async () => {
    await expect(why('o-never-placed')).rejects.toThrow(OrderNotFound);
    const result = await cli('why', 'o-never-placed');
    expect(result.exitCode).toBe(1);
    expect(errorLine(result)).toContain('OrderNotFound');
  });

  test('without a database or a broker it says what Temporal knows, and names the rest', async () => {
    const handle = await place(SILENT, BRISK);
    await openTask(handle);
    const { temporal, log } = sources();
    const found = explainOrder(await gatherWhyFacts({ temporal, log }, handle.orderId));
    expect(found).toMatchObject({ status: 'escalated', waitsFor: 'person' });
    expect(found.notKnown).toEqual([
      'the order database (nobody said where it is)',
      'RabbitMQ (nobody said where it is)',
    ]);
  });

  test('without Temporal it says what the database knows', async () => {
    const { orderId } = await place(SILENT, SLOW);
    await becomes(orderId, 'acknowledgement');
    const { exitCode, stdout } = await runCli(
      ['why', orderId, '--json', '--address', '127.0.0.1:1'],
      {
        environment: { ORDERS_DATABASE_URL: bed.ordersDatabaseUrl, AMQP_URL: 'amqp://127.0.0.1:1' },
      },
    );
    const found = JSON.parse(stdout) as Why;
    expect(found).toMatchObject({ status: 'placed', waitsFor: 'notKnown' });
    expect(found.notKnown).toHaveLength(2);
    expect(exitCode).toBe(3);
  });

  test('the command prints one paragraph, in local time with its zone', async () => {
    const { orderId } = await place(SILENT, SLOW);
    await becomes(orderId, 'acknowledgement');
    const { stdout, exitCode } = await cli('why', orderId);
    expect(unwrapped(stdout)).toMatch(
      /^order \S+: waiting for an acknowledgement since \d\d:\d\d:\d\d \S+ \(attempt 1 of 3\); confirmed by the broker .*; next attempt .*; escalates .*; you can: wait, cancel\.\n$/,
    );
    expect(exitCode).toBe(0);
  });

  /** As after Temporal's retention: a row, and no workflow. */
  async function recordOnly(): Promise<string> {
    const order = newOrder();
    await insertOrRead(
      bed.databases.orders,
      {
        order,
        contentHash: contentHash(order),
        policy: DEFAULT_POLICY,
        dispatchBy: new Date().toISOString(),
      },
      { attempt: true },
    );
    return order.orderId;
  }
});
