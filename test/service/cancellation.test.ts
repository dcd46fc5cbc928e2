import { randomUUID } from 'node:crypto';
import { TooLateToCancel, type OrderHandle, type PolicyOverrides } from '../../client';
import type { Decide } from '../../dispatch-system/decide';
import { withdrawalIdOf } from '../../domain/request-id';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { eraseCustomer } from '../../operations/erase';
import { askPerson, eventually, isLongRun, newOrder, setup, type TestBed } from '../setup';

const BRISK: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 1_000,
  initialIntervalMs: 50,
  maximumIntervalMs: 100,
  maximumAttempts: 20,
};
/** Nothing is asked again within a test. */
const PATIENT: PolicyOverrides = { acknowledgementTimeoutMs: 3_600_000 };
/** How many orders are cancelled after their dispatch, and how many race against it. */
const COUNTS = isLongRun ? { dispatched: 200, races: 200 } : { dispatched: 40, races: 40 };

const CUSTOMER = { actor: 'customer', note: 'changed my mind' };

describe('cancellation', () => {
  let bed: TestBed;
  beforeAll(async () => (bed = await setup({ policy: BRISK })));
  afterAll(() => bed.close());

  const place = (decide: Decide, policy: PolicyOverrides = {}) => {
    const order = newOrder();
    bed.script(order.orderId, decide);
    return bed.client.placeOrder(order, { policy });
  };
  const published = (handle: OrderHandle) =>
    eventually(async () => {
      const row = await bed.orders.order.findUnique({ where: { orderId: handle.orderId } });
      return row !== null && row.attempts > 0;
    });
  const liveDispatches = ({ orderId }: OrderHandle) =>
    bed.dispatches.dispatch.count({ where: { orderId, status: 'live' } });
  const statusOf = async ({ orderId }: OrderHandle) =>
    (await bed.orders.order.findUniqueOrThrow({ where: { orderId } })).status;
  const haveLiveDispatch = ({ orderId }: OrderHandle) =>
    bed.dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-8' },
    });
  const silent: Decide = ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' };

  test('of an order that waits withdraws the request, then cancels', async () => {
    const handle = await place(silent);
    await published(handle);
    expect(await handle.cancel(CUSTOMER)).toMatchObject({
      status: 'cancelled',
      resolvedBy: 'customer',
    });
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(await statusOf(handle)).toBe('cancelled');
  });

  test('a second cancellation joins the first, and one of a cancelled order returns its result', async () => {
    const handle = await place(silent);
    const both = await Promise.all([handle.cancel(CUSTOMER), handle.cancel(CUSTOMER)]);
    expect(both[0]).toEqual(both[1]);
    expect(await handle.cancel(CUSTOMER)).toEqual(both[0]);
  });

  test('a cancellation from Temporal is a cancellation of the order: the workflow completes', async () => {
    const handle = await place(silent);
    await published(handle);
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId)).cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled', resolvedBy: 'temporal' });
    expect(await liveDispatches(handle)).toBe(0);
  });

  test('during the human task closes it', async () => {
    const handle = await place(silent, PATIENT);
    await askPerson(bed, handle);
    expect(await handle.cancel(CUSTOMER)).toMatchObject({ status: 'cancelled' });
  });

  test('a refused withdrawal leaves the order dispatched, and the caller is told', async () => {
    const handle = await place(
      ({ kind }) =>
        kind === 'withdrawal'
          ? { kind: 'refuseWithdrawal' }
          : { kind: 'accept', courierId: 'courier-8', answerAfterMs: 3_600_000 },
      PATIENT,
    );
    await eventually(async () => (await liveDispatches(handle)) === 1);
    await expect(handle.cancel(CUSTOMER)).rejects.toThrow(TooLateToCancel);
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-8' });
    expect(await liveDispatches(handle)).toBe(1);
  });

  test('of a dispatched order, after its end, withdraws the courier and cancels', async () => {
    const handle = await bed.client.placeOrder(newOrder());
    await handle.result();
    expect(await handle.cancel(CUSTOMER)).toMatchObject({
      status: 'cancelled',
      resolvedBy: 'customer',
    });
    expect(await liveDispatches(handle)).toBe(0);
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(await handle.status()).toMatchObject({ status: 'cancelled' });
    expect(await handle.cancel(CUSTOMER)).toMatchObject({ status: 'cancelled' });
  });

  test('of a dispatched order whose courier does not turn back is too late, as often as it is asked', async () => {
    const handle = await place(({ kind }) =>
      kind === 'withdrawal'
        ? { kind: 'refuseWithdrawal' }
        : { kind: 'accept', courierId: 'courier-8' },
    );
    await handle.result();
    await expect(handle.cancel(CUSTOMER)).rejects.toThrow(TooLateToCancel);
    await expect(handle.cancel(CUSTOMER)).rejects.toThrow(TooLateToCancel);
    expect(await statusOf(handle)).toBe('dispatched');
    expect(await handle.status()).toMatchObject({ status: 'dispatched', courierId: 'courier-8' });
  });

  test('of an order whose personal data was erased is too late: nothing of it changes any more', async () => {
    const order = newOrder({ customerId: `c-${randomUUID()}` });
    const handle = await bed.client.placeOrder(order);
    await handle.result();
    await eraseCustomer(bed.databases, {
      customerId: order.customerId,
      actor: 'ana',
      note: 'asked',
      dryRun: false,
      now: new Date(),
    });
    await expect(handle.cancel(CUSTOMER)).rejects.toThrow(TooLateToCancel);
    expect(await statusOf(handle)).toBe('dispatched');
  });

  test('of an unknown order says so', async () => {
    await expect(bed.client.getOrder('o-nobody').cancel(CUSTOMER)).rejects.toMatchObject({
      code: 'OrderNotFound',
    });
  });

  test('that came before its order says so, and does not stand in its way', async () => {
    const order = newOrder();
    const handle = bed.client.getOrder(order.orderId);
    await expect(handle.cancel(CUSTOMER)).rejects.toMatchObject({ code: 'OrderNotFound' });
    await bed.client.placeOrder(order);
    expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    expect(await handle.status()).toMatchObject({ status: 'dispatched' });
  });

  test('of many dispatched orders while their answers repeat leaves no courier on the way', async () => {
    const handles = await Promise.all(
      Array.from({ length: COUNTS.dispatched }, () =>
        bed.client.placeOrder(newOrder(), { policy: { quickWindowMs: 3_000 } }),
      ),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    const repeats = results.map(({ orderId, courierId = '' }) =>
      bed.acknowledge({ requestId: `${orderId}.1`, outcome: 'accepted', courierId }),
    );
    const cancelled = await Promise.all(handles.map((handle) => handle.cancel(CUSTOMER)));
    await Promise.all(repeats);
    expect(new Set(cancelled.map(({ status }) => status))).toEqual(new Set(['cancelled']));
    for (const handle of handles) {
      expect(await liveDispatches(handle)).toBe(0);
      expect(await statusOf(handle)).toBe('cancelled');
    }
  });

  test('an acceptance while cancelling does not move the order: the withdrawal decides', async () => {
    const handle = await place(() => ({ kind: 'staySilent' }), PATIENT);
    await bed.asked(`${handle.orderId}.1`);
    // The dispatch system has a courier now, and stays silent about the withdrawal too.
    await haveLiveDispatch(handle);
    const cancelled = handle.cancel(CUSTOMER);
    await eventually(async () => (await statusOf(handle)) === 'cancelling');
    await bed.acknowledge({
      requestId: `${handle.orderId}.1`,
      outcome: 'accepted',
      courierId: 'courier-8',
    });
    await eventually(
      async () =>
        (await bed.orders.acknowledgement.count({ where: { orderId: handle.orderId } })) === 1,
    );
    expect(await statusOf(handle)).toBe('cancelling');
    await bed.acknowledge({ requestId: `${handle.orderId}.withdrawal`, outcome: 'withdrawn' });
    expect(await cancelled).toMatchObject({ status: 'cancelled' });
  });

  test('a request that its withdrawal overtook is rejected, and assigns no courier', async () => {
    await bed.dispatchSystem.close();
    const { handle, cancelled } = await (async () => {
      const asked = await place(silent);
      await published(asked);
      const cancelling = asked.cancel(CUSTOMER);
      await eventually(async () => (await statusOf(asked)) === 'cancelling');
      return { handle: asked, cancelled: cancelling };
    })().finally(async () => {
      // The withdrawal is decided first: the request comes a second time, after it.
      bed.dispatchSystem = await bed.startDispatchSystem();
    });
    await cancelled;
    bed.script(handle.orderId, () => ({ kind: 'accept', courierId: 'courier-8' }));
    await bed.publishRequest(handle.orderId, `${handle.orderId}.1`);
    const ledger = await eventually(async () => {
      const rows = await bed.orders.acknowledgement.findMany({
        where: { orderId: handle.orderId, requestId: `${handle.orderId}.1` },
      });
      return rows.length > 0 && rows;
    });
    expect(ledger[0]).toMatchObject({ outcome: 'rejected', rejectionCode: 'withdrawn' });
    expect(await liveDispatches(handle)).toBe(0);
    expect(await statusOf(handle)).toBe('cancelled');
  });

  test('a withdrawal that nobody answers is a human task from which retry goes on', async () => {
    const handle = await place(() => ({ kind: 'staySilent' }), PATIENT);
    await bed.asked(`${handle.orderId}.1`);
    // There is a live dispatch that the dispatch system does not withdraw: it stays silent.
    await haveLiveDispatch(handle);
    const cancelled = handle.cancel(CUSTOMER);
    const task = await askPerson(bed, handle, withdrawalIdOf(handle.orderId));
    expect(task).toMatchObject({
      status: 'cancelling',
      humanTask: { escalationReason: 'withdrawalFailed', decisions: ['retry'] },
    });
    await expect(
      handle.resolve({ decision: 'cancel', actor: 'ana', note: 'n' }),
    ).rejects.toMatchObject({ code: 'ResolutionRefused' });
    bed.script(handle.orderId, () => ({ kind: 'withdraw' }));
    await handle.resolve({ decision: 'retry', actor: 'ana', note: 'again' });
    expect(await cancelled).toMatchObject({ status: 'cancelled' });
    expect(await liveDispatches(handle)).toBe(0);
  });

  test('a late answer closes the human task of a withdrawal', async () => {
    const handle = await place(() => ({ kind: 'staySilent' }), PATIENT);
    await askPerson(bed, handle);
    await haveLiveDispatch(handle);
    await handle.resolve({
      decision: 'markDispatched',
      courierId: 'courier-by-hand',
      actor: 'ana',
      note: 'by phone',
    });
    const { humanTask } = await askPerson(bed, handle, withdrawalIdOf(handle.orderId));
    expect(humanTask).toMatchObject({ escalationReason: 'withdrawalFailed' });
    await bed.acknowledge({ requestId: `${handle.orderId}.withdrawal`, outcome: 'withdrawn' });
    expect(await handle.result()).toMatchObject({
      status: 'dispatched',
      dispatchedBy: 'person',
      courierId: 'courier-by-hand',
    });
  });

  test('in many races against the acceptance, status and dispatch row always agree', async () => {
    const races = await Promise.all(
      Array.from({ length: COUNTS.races }, async (_, index) => {
        const handle = await place(
          ({ kind }) =>
            kind === 'withdrawal'
              ? { kind: index % 3 === 0 ? 'refuseWithdrawal' : 'withdraw' }
              : { kind: 'accept', courierId: 'courier-8', answerAfterMs: index % 20 },
          { quickWindowMs: index % 2 === 0 ? 500 : 0 },
        );
        // Both ends are seen: the first one is accepted before, the second one can be withdrawn.
        if (index === 0) await eventually(async () => (await liveDispatches(handle)) === 1);
        // The others begin at various times, in the machine's own pace.
        for (let look = 0; look < index % 4; look += 1) await liveDispatches(handle);
        const outcome = await handle.cancel(CUSTOMER).then(
          ({ status }) => status,
          (error: unknown) => {
            if (error instanceof TooLateToCancel) return 'dispatched';
            throw error;
          },
        );
        return { handle, outcome, result: await handle.result() };
      }),
    );
    for (const { handle, outcome, result } of races) {
      const status = await statusOf(handle);
      expect([outcome, result.status]).toEqual([status, status]);
      expect(await liveDispatches(handle)).toBe(status === 'dispatched' ? 1 : 0);
    }
    expect(new Set(races.map(({ result }) => result.status)).size).toBe(2);
  });
});
