import {
  ConnectionClosed,
  OrderConflict,
  OrderDispatchClient,
  OrderNotFound,
  ResolutionRefused,
  TooLateToCancel,
  type HumanTaskEntry,
  type OrderDispatch,
  type OrderHandle,
  type OrderStatusView,
  type PolicyOverrides,
} from '../../client';
import type { Decide, Reply } from '../../dispatch-system/decide';
import { FakeOrderDispatch, type OrderScript, type RequestReply } from '../../testing';
import { patience } from '../patience';
import { eventually, newOrder, setup } from '../setup';

/** What the rules are tried on: the service, or its fake. */
interface Subject {
  dispatch: OrderDispatch;
  script: (orderId: string, script: OrderScript) => void;
  /** One that knows the same orders, for the last test to close. */
  toBeClosed: () => Promise<OrderDispatch>;
  /** Whether the dispatch system has decided on a courier, whoever has heard of it. */
  hasCourier: (orderId: string) => Promise<boolean>;
  /** An acceptance that comes when the human task of a silence is open: the script, and what has it come. */
  late: { script: OrderScript; come: (orderId: string) => Promise<void> };
  /** Waits until `probe` returns something; the fake's clock goes on meanwhile. */
  until: <Value>(probe: () => Promise<Value | undefined | false>) => Promise<Value>;
  close: () => Promise<void>;
}

/** Silence becomes a human task in one attempt, in which an answer would have come. */
const ATTEMPT_MS = patience(50);
const POLICY: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: ATTEMPT_MS,
  maximumAttempts: 1,
};

/** For what is answered: it is not asked again first, however slow the machine. */
const PATIENT: PolicyOverrides = { quickWindowMs: 3_000, acknowledgementTimeoutMs: 3_600_000 };

const SILENCE: RequestReply = { outcome: 'silence' };
const ACCEPTED = { outcome: 'accepted', courierId: 'courier-7' } as const;
const ANA = { actor: 'ana', note: 'by phone' };
const CUSTOMER = { actor: 'customer', note: 'changed my mind' };

async function theService(): Promise<Subject> {
  const bed = await setup({ policy: POLICY });
  await bed.startSupplementSystem({ graceMs: 60_000 });
  return {
    dispatch: bed.client,
    script: (orderId, script) => bed.script(orderId, toDecide(script)),
    toBeClosed: () =>
      OrderDispatchClient.connect({
        address: bed.stack.temporalAddress,
        namespace: bed.namespace,
      }),
    hasCourier: async (orderId) =>
      (await bed.dispatches.dispatch.count({ where: { orderId, status: 'live' } })) > 0,
    late: {
      script: { requests: [SILENCE] },
      come: (orderId) => bed.acknowledge({ requestId: `${orderId}.1`, ...ACCEPTED }),
    },
    until: (probe) => eventually(probe),
    close: () => bed.close(),
  };
}

function theFake(): Promise<Subject> {
  const fake = new FakeOrderDispatch({ policy: POLICY });
  return Promise.resolve({
    dispatch: fake,
    script: (orderId, script) => fake.script(orderId, script),
    toBeClosed: () => Promise.resolve(fake),
    hasCourier: () => Promise.resolve(true),
    late: {
      script: { requests: [{ ...ACCEPTED, answerAfterMs: 2 * ATTEMPT_MS }] },
      come: () => Promise.resolve(),
    },
    until: async (probe) => {
      for (let step = 0; step < 1_000; step += 1) {
        const value = await probe();
        if (value !== undefined && value !== false) return value;
        await fake.advance(50);
      }
      throw new Error('it did not come');
    },
    close: () => fake.close(),
  });
}

/** The same script for the reference dispatch system. */
function toDecide({ requests = [ACCEPTED], withdrawal = 'withdrawn' }: OrderScript): Decide {
  let asked = 0;
  return ({ kind }): Reply => {
    if (kind === 'withdrawal') {
      if (withdrawal === 'silence') return { kind: 'staySilent' };
      return { kind: withdrawal === 'withdrawn' ? 'withdraw' : 'refuseWithdrawal' };
    }
    const reply = requests[Math.min(asked, requests.length - 1)] ?? SILENCE;
    asked += 1;
    if (reply.outcome === 'silence') return { kind: 'staySilent' };
    const { outcome, ...rest } = reply;
    return { kind: outcome === 'accepted' ? 'accept' : 'reject', ...rest } as Reply;
  };
}

describe.each([
  ['the service', theService],
  ['the fake', theFake],
])('%s', (_name, make) => {
  let subject: Subject;
  beforeAll(async () => (subject = await make()));
  afterAll(() => subject.close());

  const place = async (script: OrderScript, policy: PolicyOverrides = {}): Promise<OrderHandle> => {
    const order = newOrder();
    subject.script(order.orderId, script);
    return subject.dispatch.placeOrder(order, { policy });
  };
  const openTask = (handle: OrderHandle): Promise<OrderStatusView> =>
    subject.until(async () => {
      const status = await handle.status();
      return status.humanTask && status;
    });
  /** The result, while the fake's clock goes on. */
  const resultOf = async (handle: OrderHandle) => {
    await subject.until(async () =>
      /^(dispatched|cancelled)$/.test((await handle.status()).status),
    );
    return handle.result();
  };
  const listed = async ({ orderId }: OrderHandle): Promise<HumanTaskEntry | undefined> => {
    for await (const task of subject.dispatch.humanTasks()) {
      if (task.orderId === orderId) return task;
    }
    return undefined;
  };

  describe('placing', () => {
    test('has an order dispatched, with the courier that accepted', async () => {
      const handle = await place({ requests: [ACCEPTED] }, PATIENT);
      const dispatched = {
        orderId: handle.orderId,
        status: 'dispatched',
        dispatchedBy: 'acknowledgement',
        courierId: 'courier-7',
        attempts: 1,
        resolvedBy: null,
      };
      expect(await resultOf(handle)).toEqual(dispatched);
      expect(await handle.status()).toEqual(dispatched);
    });

    test('is idempotent, and other content under the same ID is a conflict', async () => {
      const order = newOrder();
      const first = await (await subject.dispatch.placeOrder(order)).result();
      const again = await subject.dispatch.placeOrder({ ...order });
      expect(await again.result()).toEqual(first);
      const other = subject.dispatch.placeOrder({ ...order, note: 'more' });
      await expect(other).rejects.toThrow(new OrderConflict(order.orderId));
      expect(await again.result()).toEqual(first);
    });

    test('refuses an invalid order and an invalid policy by the name of the field', async () => {
      const { orderId, ...rest } = newOrder();
      await expect(
        subject.dispatch.placeOrder({ ...rest, orderId, items: [] }),
      ).rejects.toMatchObject({
        code: 'InvalidOrder',
        message: expect.stringMatching(/^order\.items: /),
      });
      await expect(
        subject.dispatch.placeOrder({ ...rest, orderId }, { policy: { maximumAttempts: 0 } }),
      ).rejects.toMatchObject({
        code: 'InvalidPolicy',
        message: expect.stringMatching(/^policy\.maximumAttempts: /),
      });
      await expect(subject.dispatch.getOrder(orderId).status()).rejects.toThrow(OrderNotFound);
    });
  });

  describe('a rejection', () => {
    test('cancels the order', async () => {
      const requests = [{ outcome: 'rejected', rejectionCode: 'outOfZone' }] as const;
      const handle = await place({ requests }, PATIENT);
      expect(await resultOf(handle)).toEqual({
        orderId: handle.orderId,
        status: 'cancelled',
        rejectionCode: 'outOfZone',
        attempts: 1,
        resolvedBy: null,
      });
    });

    test('is a human task where the policy says so', async () => {
      const handle = await place(
        { requests: [{ outcome: 'rejected', rejectionCode: 'restaurantClosed' }] },
        { onRejection: 'escalate' },
      );
      expect(await openTask(handle)).toMatchObject({
        status: 'escalated',
        rejectionCode: 'restaurantClosed',
        humanTask: { escalationReason: 'rejected' },
      });
    });

    test('that welcomes a new request is followed by one, and not for ever', async () => {
      const rejected: RequestReply = {
        outcome: 'rejected',
        rejectionCode: 'noCourierAvailable',
        retryAfterMs: 100,
      };
      const twice = { ...PATIENT, maximumAttempts: 2 };
      const handle = await place({ requests: [rejected, ACCEPTED] }, twice);
      expect(await resultOf(handle)).toMatchObject({ courierId: 'courier-7', attempts: 2 });
      const unlucky = await place({ requests: [rejected] }, twice);
      expect(await openTask(unlucky)).toMatchObject({
        rejectionCode: 'noCourierAvailable',
        attempts: 2,
        humanTask: { escalationReason: 'rejected' },
      });
    });
  });

  describe('silence', () => {
    test('is a human task, which is listed while it is open', async () => {
      const handle = await place({ requests: [SILENCE] });
      expect(await openTask(handle)).toEqual({
        orderId: handle.orderId,
        status: 'escalated',
        attempts: 1,
        resolvedBy: null,
        humanTask: {
          escalationReason: 'noAcknowledgement',
          escalatedAt: expect.any(String),
          decisions: ['retry', 'markDispatched', 'cancel'],
        },
      });
      expect(await subject.until(() => listed(handle))).toEqual({
        taskId: `dispatch-order/${handle.orderId}`,
        orderId: handle.orderId,
        escalationReason: 'noAcknowledgement',
        escalatedAt: expect.any(Date),
      });
      await handle.resolve({ decision: 'markDispatched', courierId: 'by-hand', ...ANA });
      await subject.until(async () => (await listed(handle)) === undefined);
    });

    test('until the deadline says so', async () => {
      const handle = await place(
        { requests: [SILENCE] },
        { dispatchWithinMs: 2 * ATTEMPT_MS, maximumAttempts: 100 },
      );
      expect(await openTask(handle)).toMatchObject({
        humanTask: { escalationReason: 'deadlinePassed' },
      });
    });

    test('that a late acceptance ends closes the task by itself', async () => {
      const handle = await place(subject.late.script);
      await openTask(handle);
      await subject.late.come(handle.orderId);
      expect(await resultOf(handle)).toMatchObject({
        dispatchedBy: 'acknowledgement',
        courierId: 'courier-7',
        resolvedBy: null,
      });
    });
  });

  describe('a resolution', () => {
    const escalated = async (): Promise<OrderHandle> => {
      const handle = await place({ requests: [SILENCE] });
      await openTask(handle);
      return handle;
    };

    test('retry asks anew', async () => {
      const handle = await escalated();
      subject.script(handle.orderId, { requests: [ACCEPTED] });
      await handle.resolve({ decision: 'retry', ...ANA });
      expect(await resultOf(handle)).toEqual({
        orderId: handle.orderId,
        status: 'dispatched',
        dispatchedBy: 'acknowledgement',
        courierId: 'courier-7',
        attempts: 2,
        resolvedBy: 'ana',
      });
    });

    test('markDispatched keeps the courier of the person', async () => {
      const handle = await escalated();
      const resolution = { decision: 'markDispatched', courierId: 'by-hand', ...ANA } as const;
      expect(await handle.resolve(resolution)).toMatchObject({
        status: 'dispatched',
        decision: 'markDispatched',
        decidedBy: 'ana',
      });
      expect(await resultOf(handle)).toEqual({
        orderId: handle.orderId,
        status: 'dispatched',
        dispatchedBy: 'person',
        courierId: 'by-hand',
        attempts: 1,
        resolvedBy: 'ana',
      });
    });

    test('cancel cancels; by the ID of the task as well', async () => {
      const handle = await escalated();
      const taskId = `dispatch-order/${handle.orderId}`;
      await subject.dispatch.resolveTask(taskId, { decision: 'cancel', ...ANA });
      expect(await resultOf(handle)).toMatchObject({ status: 'cancelled', resolvedBy: 'ana' });
      await expect(
        subject.dispatch.resolveTask(taskId, { decision: 'retry', ...ANA }),
      ).rejects.toThrow(new ResolutionRefused(`no human task is open: ${taskId} does not run`));
    });

    test('that is not valid, or not possible here, is refused and changes nothing', async () => {
      const handle = await escalated();
      const refused = async (resolution: object, why: RegExp) => {
        await expect(handle.resolve(resolution as never)).rejects.toMatchObject({
          code: 'ResolutionRefused',
          message: expect.stringMatching(why),
        });
      };
      await refused({ decision: 'retry', actor: 'ana' }, /^resolution\.note: /);
      await refused({ decision: 'markDispatched', ...ANA }, /^resolution\.courierId: is needed/);
      await refused({ decision: 'give up', ...ANA }, /^resolution\.decision: /);
      await refused(
        { decision: 'keep', ...ANA },
        /^keep is not possible here, only retry, markDispatched, cancel$/,
      );
      expect((await handle.status()).humanTask).toBeDefined();
    });

    test('that comes too late is refused; of two at once one wins', async () => {
      const handle = await escalated();
      const both = await Promise.allSettled(
        ['ben', 'cai'].map((actor) =>
          handle.resolve({ decision: 'markDispatched', courierId: actor, actor, note: 'mine' }),
        ),
      );
      const [loser, ...others] = both.filter((each) => each.status === 'rejected');
      expect(others).toEqual([]);
      expect(loser?.reason).toBeInstanceOf(ResolutionRefused);
      const { resolvedBy, courierId } = await resultOf(handle);
      expect(courierId).toBe(resolvedBy);
      await subject.until(async () => {
        const late = handle.resolve({ decision: 'retry', ...ANA });
        const { code, message } = (await late.catch((error: unknown) => error)) as OrderConflict;
        expect(code).toBe('ResolutionRefused');
        return message === `no human task is open: order ${handle.orderId} is dispatched`;
      });
      // The order's status says nothing about a finding.
      await expect(handle.resolve({ decision: 'keep', ...ANA })).rejects.toThrow(
        `keep is a decision about a finding: resolve its task, reconcile-order/${handle.orderId}`,
      );
    });
  });

  describe('a cancellation', () => {
    test('before the dispatch cancels, and a second one joins it', async () => {
      const handle = await place({ requests: [SILENCE] }, { acknowledgementTimeoutMs: 3_600_000 });
      const [first, second] = await Promise.all([handle.cancel(CUSTOMER), handle.cancel(ANA)]);
      expect(first).toEqual(second);
      expect(first.status).toBe('cancelled');
      expect(await handle.result()).toEqual(first);
      expect(await handle.cancel(ANA)).toEqual(first);
    });

    test('during the human task closes it', async () => {
      const handle = await place({ requests: [SILENCE] });
      await openTask(handle);
      expect(await handle.cancel(CUSTOMER)).toEqual({
        orderId: handle.orderId,
        status: 'cancelled',
        attempts: 1,
        resolvedBy: 'customer',
      });
    });

    test('after the dispatch takes the courier back', async () => {
      const handle = await place({ requests: [ACCEPTED] }, PATIENT);
      await resultOf(handle);
      const cancelled = await handle.cancel(CUSTOMER);
      expect(cancelled).toEqual({
        orderId: handle.orderId,
        status: 'cancelled',
        attempts: 1,
        resolvedBy: 'customer',
      });
      expect(await handle.result()).toEqual(cancelled);
      expect(await handle.status()).toEqual(cancelled);
    });

    test('of a courier that does not turn back is too late, as often as it is asked', async () => {
      const handle = await place({ requests: [ACCEPTED], withdrawal: 'withdrawalRefused' });
      await resultOf(handle);
      const late = new TooLateToCancel(
        `order ${handle.orderId} is dispatched with courier courier-7`,
      );
      await expect(handle.cancel(CUSTOMER)).rejects.toThrow(late);
      subject.script(handle.orderId, { withdrawal: 'withdrawn' });
      await expect(handle.cancel(ANA)).rejects.toThrow(late);
      expect(await handle.status()).toMatchObject({ status: 'dispatched', courierId: 'courier-7' });
    });

    test('of a courier of whom nobody has heard yet can be too late, too', async () => {
      const handle = await place(
        {
          requests: [{ ...ACCEPTED, answerAfterMs: 3_600_000 }],
          withdrawal: 'withdrawalRefused',
        },
        { acknowledgementTimeoutMs: 3_600_000 },
      );
      await subject.until(() => subject.hasCourier(handle.orderId));
      await expect(handle.cancel(CUSTOMER)).rejects.toThrow(TooLateToCancel);
      expect(await handle.result()).toMatchObject({
        status: 'dispatched',
        dispatchedBy: 'acknowledgement',
        courierId: 'courier-7',
        resolvedBy: 'customer',
      });
    });

    test('that nobody answers is a human task from which retry goes on', async () => {
      const handle = await place({ requests: [ACCEPTED], withdrawal: 'silence' });
      await resultOf(handle);
      const cancelled = handle.cancel(CUSTOMER);
      expect(await openTask(handle)).toMatchObject({
        status: 'cancelling',
        humanTask: { escalationReason: 'withdrawalFailed', decisions: ['retry'] },
      });
      expect(await subject.until(() => listed(handle))).toMatchObject({
        taskId: `cancel-order/${handle.orderId}`,
      });
      await expect(handle.resolve({ decision: 'cancel', ...ANA })).rejects.toThrow(
        'cancel is not possible here, only retry',
      );
      subject.script(handle.orderId, { withdrawal: 'withdrawn' });
      await handle.resolve({ decision: 'retry', ...ANA });
      expect(await cancelled).toMatchObject({ status: 'cancelled', resolvedBy: 'customer' });
    });

    test.each([
      ['calledOff', { status: 'cancelled', resolvedBy: 'ana' }],
      ['tooLate', { status: 'dispatched', dispatchedBy: 'person', courierId: 'bike-7' }],
    ] as const)('of an order that a person dispatched waits for %s', async (decision, end) => {
      const handle = await place({ requests: [SILENCE], withdrawal: 'withdrawn' });
      await openTask(handle);
      await handle.resolve({ decision: 'markDispatched', courierId: 'bike-7', ...ANA });
      await resultOf(handle);
      const cancelled = handle.cancel(CUSTOMER).catch((error: unknown) => error);
      expect(await openTask(handle)).toMatchObject({
        status: 'cancelling',
        humanTask: {
          escalationReason: 'courierToCallOff',
          decisions: ['calledOff', 'tooLate'],
        },
      });
      await handle.resolve({ decision, ...ANA });
      if (decision === 'tooLate') expect(await cancelled).toBeInstanceOf(TooLateToCancel);
      else expect(await cancelled).toMatchObject(end);
      expect(await handle.status()).toMatchObject(end);
    });
  });

  test('an order that nobody placed is not found', async () => {
    const handle = subject.dispatch.getOrder('o-nobody');
    const unknown = new OrderNotFound('o-nobody');
    await expect(handle.status()).rejects.toThrow(unknown);
    await expect(handle.result()).rejects.toThrow(unknown);
    await expect(handle.cancel(CUSTOMER)).rejects.toThrow(unknown);
    await expect(handle.resolve({ decision: 'retry', ...ANA })).rejects.toThrow(unknown);
  });

  test('a reconciliation of what is in order finds nothing to do', async () => {
    const reconcile = (orderId: string) => subject.dispatch.reconcile(orderId, { actor: 'ana' });
    const nothing = { verdict: 'consistent', done: 'nothing', resolvedBy: null };
    expect(await reconcile('o-nobody')).toEqual({
      orderId: 'o-nobody',
      rule: 'nobody knows the order, and no courier is on the way',
      ...nothing,
    });
    const { orderId } = await place({ requests: [SILENCE] });
    expect(await reconcile(orderId)).toEqual({
      orderId,
      rule: 'a running workflow owns its order',
      ...nothing,
    });
    const dispatched = await place({ requests: [ACCEPTED] });
    await resultOf(dispatched);
    expect(await reconcile(dispatched.orderId)).toEqual({
      orderId: dispatched.orderId,
      rule: 'the courier of the acknowledgement is on the way',
      ...nothing,
    });
    await dispatched.cancel(CUSTOMER);
    expect(await reconcile(dispatched.orderId)).toMatchObject({
      rule: 'the order is cancelled',
      ...nothing,
    });
  });

  // The last one: the fake is closed by it.
  test('close() ends a result and a cancellation that wait, and refuses what is asked later', async () => {
    const unanswered = await place({ requests: [SILENCE] });
    const accepted = await place({ requests: [ACCEPTED], withdrawal: 'silence' });
    await resultOf(accepted);
    const dispatch = await subject.toBeClosed();
    const handle = dispatch.getOrder(accepted.orderId);
    const waiting = [dispatch.getOrder(unanswered.orderId).result(), handle.cancel(CUSTOMER)].map(
      (wait) => wait.catch((error: unknown) => error),
    );
    await openTask(handle);
    await dispatch.close();
    for (const failure of waiting) expect(await failure).toBeInstanceOf(ConnectionClosed);
    await expect(handle.status()).rejects.toThrow(ConnectionClosed);
  });
});
