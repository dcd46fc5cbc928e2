import { randomUUID } from 'node:crypto';
import {
  ResolutionRefused,
  TooLateToCancel,
  type OrderHandle,
  type PolicyOverrides,
  type Resolution,
} from '../../client';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { askPerson, eventually, newOrder, openTask, setup, type TestBed } from '../setup';

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

describe('human task', () => {
  let bed: TestBed;
  beforeAll(async () => (bed = await setup({ policy: PATIENT })));
  afterAll(() => bed.close());

  const escalate = async () => {
    const order = newOrder();
    bed.script(order.orderId, ({ kind }) =>
      kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
    );
    const handle = await bed.client.placeOrder(order);
    await askPerson(bed, handle);
    return handle;
  };
  const workflowOf = ({ orderId }: OrderHandle) =>
    bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  const rowOf = ({ orderId }: OrderHandle) =>
    bed.orders.order.findUniqueOrThrow({ where: { orderId } });
  const currentDetails = async (handle: OrderHandle) => {
    const metadata = await workflowOf(handle).query<{ currentDetails?: string }>(
      '__temporal_workflow_metadata',
    );
    return metadata.currentDetails ?? '';
  };
  const acceptFromNowOn = ({ orderId }: OrderHandle) =>
    bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-5' }));

  const bySignal = (handle: OrderHandle, resolution: Resolution) =>
    workflowOf(handle).signal('resolve', resolution);
  const byUpdate = (handle: OrderHandle, resolution: Resolution) =>
    workflowOf(handle).executeUpdate('resolve', { args: [resolution] });

  describe.each([
    ['signal', bySignal],
    ['update', byUpdate],
  ])('resolved by the %s', (_way, resolve) => {
    test('retry sends a new request with a new deadline', async () => {
      const handle = await escalate();
      const before = await rowOf(handle);
      acceptFromNowOn(handle);
      await resolve(handle, { decision: 'retry', actor: 'ana', note: 'they are back' });
      expect(await handle.result()).toMatchObject({
        status: 'dispatched',
        courierId: 'courier-5',
        attempts: 2,
        resolvedBy: 'ana',
      });
      const after = await rowOf(handle);
      expect(after).toMatchObject({ requestNumber: 2, decidedBy: 'ana', decision: 'retry' });
      expect(after.dispatchBy.getTime()).toBeGreaterThan(before.dispatchBy.getTime());
    });

    test('markDispatched keeps the person’s courier and withdraws any other', async () => {
      const handle = await escalate();
      await resolve(handle, {
        decision: 'markDispatched',
        courierId: 'courier-by-hand',
        actor: 'ana',
        note: 'by phone',
      });
      expect(await handle.result()).toMatchObject({
        status: 'dispatched',
        dispatchedBy: 'person',
        courierId: 'courier-by-hand',
        resolvedBy: 'ana',
      });
      const inbox = await bed.dispatches.inboxEntry.findMany({
        where: { orderId: handle.orderId },
      });
      expect(inbox.map(({ requestId }) => requestId)).toEqual([`${handle.orderId}.withdrawal`]);
    });

    test('cancel withdraws the request, then cancels', async () => {
      const handle = await escalate();
      await resolve(handle, { decision: 'cancel', actor: 'ana', note: 'customer left' });
      expect(await handle.result()).toMatchObject({ status: 'cancelled', resolvedBy: 'ana' });
      const ledger = await bed.orders.acknowledgement.findMany({
        where: { orderId: handle.orderId },
      });
      expect(ledger).toMatchObject([{ outcome: 'withdrawn', class: 'first' }]);
    });
  });

  test.each([
    [{ decision: 'give up', actor: 'ana', note: 'n' }, 'resolution.decision'],
    [{ decision: 'retry', note: 'n' }, 'resolution.actor'],
    [{ decision: 'markDispatched', actor: 'ana', note: 'n' }, 'resolution.courierId'],
    [{ decision: 'retry', courierId: 'c', actor: 'ana', note: 'n' }, 'resolution.courierId'],
    [{ decision: 'retry', actor: 'ana', note: 'n', extra: 1 }, 'extra'],
    ['retry', 'resolution'],
  ])('the invalid resolution %j changes nothing and says why', async (invalid, field) => {
    const handle = await escalate();
    const before = await rowOf(handle);
    const update = workflowOf(handle).executeUpdate('resolve', { args: [invalid] });
    await expect(update).rejects.toMatchObject({
      cause: { type: 'ResolutionRefused', message: expect.stringContaining(field) as string },
    });
    await workflowOf(handle).signal('resolve', invalid);
    const details = await currentDetails(handle);
    expect(details).toMatch(/^Signals that changed nothing:/);
    expect(details.split('**Order')[0]).toContain(field);
    expect(await rowOf(handle)).toEqual(before);
    await handle.resolve({ decision: 'cancel', actor: 'ana', note: 'done' });
  });

  test('of two resolutions at once exactly one wins, and the other is told', async () => {
    const handle = await escalate();
    const courierOf = (actor: string) => `courier-of-${actor}`;
    const attempts = await Promise.allSettled(
      ['ana', 'ben', 'cai'].map((actor) =>
        handle.resolve({
          decision: 'markDispatched',
          courierId: courierOf(actor),
          actor,
          note: 'mine',
        }),
      ),
    );
    const refused = attempts.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(2);
    for (const attempt of refused) {
      expect((attempt as PromiseRejectedResult).reason).toBeInstanceOf(ResolutionRefused);
    }
    const { resolvedBy, courierId } = await handle.result();
    expect(courierId).toBe(courierOf(resolvedBy ?? ''));
    const row = await rowOf(handle);
    expect(row).toMatchObject({ decidedBy: resolvedBy, decisionNote: 'mine' });
    expect(row.decidedAt).not.toBeNull();
  });

  test('a resolution where no human task is open is refused, and says so', async () => {
    const handle = await bed.client.placeOrder(newOrder(), { policy: { quickWindowMs: 1_000 } });
    await handle.result();
    await expect(
      handle.resolve({ decision: 'retry', actor: 'ana', note: 'n' }),
    ).rejects.toMatchObject({
      code: 'ResolutionRefused',
      message: expect.stringContaining('no human task is open') as string,
    });
  });

  test('a resolution of an order whose row was deleted is refused, and the order goes on', async () => {
    // By silence: what is a dead letter is not asked again.
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const policy = { acknowledgementTimeoutMs: 100, maximumAttempts: 1 };
    const handle = await bed.client.placeOrder(order, { policy });
    await openTask(handle);
    acceptFromNowOn(handle);
    await bed.orders.order.delete({ where: { orderId: handle.orderId } });
    await expect(
      handle.resolve({ decision: 'retry', actor: 'ana', note: 'n' }),
    ).rejects.toMatchObject({ code: 'ResolutionRefused' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-5' });
  });

  test('an acceptance during the human task wins and closes it', async () => {
    const handle = await escalate();
    await bed.acknowledge({
      requestId: `${handle.orderId}.1`,
      outcome: 'accepted',
      courierId: 'courier-6',
    });
    expect(await handle.result()).toMatchObject({
      status: 'dispatched',
      dispatchedBy: 'acknowledgement',
      courierId: 'courier-6',
      resolvedBy: null,
    });
  });

  test('the dead letter of a request before a retry escalates nothing, that of the current one does', async () => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order);
    const deadLettered = (n: number) =>
      workflowOf(handle).signal('requestDeadLettered', { requestId: `${orderId}.${n}` });
    await eventually(async () => (await rowOf(handle)).attempts === 1);
    await deadLettered(1);
    expect((await openTask(handle)).humanTask).toMatchObject({
      escalationReason: 'requestDeadLettered',
    });
    await handle.resolve({ decision: 'retry', actor: 'ana', note: 'mended' });
    await deadLettered(1);
    // Answered after the signal was taken.
    expect(await handle.status()).toMatchObject({ status: 'placed' });
    expect(await rowOf(handle)).toMatchObject({ status: 'placed', requestNumber: 2 });
    await deadLettered(2);
    await openTask(handle);
    await handle.cancel({ actor: 'ana', note: 'over' });
  });

  describe('of an order that a person dispatched', () => {
    const dispatchByHand = async () => {
      const handle = await escalate();
      await handle.resolve({
        decision: 'markDispatched',
        courierId: 'bike-7',
        actor: 'ana',
        note: 'by phone',
      });
      await handle.result();
      const cancelled = handle.cancel({ actor: 'customer', note: 'changed their mind' });
      cancelled.catch(() => {});
      const { humanTask } = await openTask(handle);
      return { handle, cancelled, humanTask };
    };
    const taskOf = async ({ orderId }: OrderHandle) => {
      const metadata = await bed.temporal.workflow
        .getHandle(cancelOrderWorkflowId(orderId))
        .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      return metadata.currentDetails ?? '';
    };

    test('a cancellation asks a person to call that courier off, by name, and then cancels', async () => {
      const { handle, cancelled, humanTask } = await dispatchByHand();
      expect(humanTask).toMatchObject({
        escalationReason: 'courierToCallOff',
        decisions: ['calledOff', 'tooLate'],
      });
      expect(await taskOf(handle)).toMatch(/customer cancels it, but ana had sent courier bike-7/);
      expect((await rowOf(handle)).status).toBe('cancelling');
      await handle.resolve({ decision: 'calledOff', actor: 'bo', note: 'reached him' });
      expect(await cancelled).toMatchObject({ status: 'cancelled', resolvedBy: 'bo' });
      expect(await rowOf(handle)).toMatchObject({ status: 'cancelled', escalationReason: null });
    });

    test('a cancellation is too late where that courier cannot turn back', async () => {
      const { handle, cancelled } = await dispatchByHand();
      await handle.resolve({ decision: 'tooLate', actor: 'bo', note: 'at the door' });
      await expect(cancelled).rejects.toThrow(TooLateToCancel);
      expect(await handle.result()).toMatchObject({
        status: 'dispatched',
        dispatchedBy: 'person',
        courierId: 'bike-7',
      });
    });
  });

  test.each([
    ['acknowledged', undefined],
    ['acknowledged', { class: 'first', answer: null }],
    ['requestDeadLettered', undefined],
    ['resolve', undefined],
    ['reslove', { decision: 'retry', actor: 'ana', note: 'n' }],
  ])('a signal %s with %j changes nothing, and the order goes on', async (signal, argument) => {
    const handle = await escalate();
    await workflowOf(handle).signal(signal, argument);
    // By the query the signal was taken.
    const details = await currentDetails(handle);
    if (signal === 'reslove') expect(details).toContain(`there is no signal 'reslove'`);
    acceptFromNowOn(handle);
    await handle.resolve({ decision: 'retry', actor: 'ana', note: 'they are back' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-5' });
  });

  test('a human task is listed while it is open, and not after', async () => {
    const handle = await escalate();
    const listed = async () => {
      for await (const task of bed.client.humanTasks()) {
        if (task.orderId === handle.orderId) return task;
      }
      return undefined;
    };
    const task = await eventually(listed);
    expect(task).toMatchObject({
      taskId: `dispatch-order/${handle.orderId}`,
      escalationReason: 'requestDeadLettered',
      escalatedAt: (await rowOf(handle)).escalatedAt,
    });
    await handle.resolve({ decision: 'cancel', actor: 'ana', note: 'done' });
    await handle.result();
    await eventually(async () => (await listed()) === undefined);
  });

  const examplesOf = async (handle: OrderHandle) =>
    [...(await currentDetails(handle)).matchAll(/```json\n([^`]*)\n```/g)].map(
      ([, json]) => JSON.parse(json ?? '') as Resolution,
    );

  test('the JSON that the current details show for each decision resolves the task, filled in', async () => {
    for (const decision of ['retry', 'markDispatched', 'cancel']) {
      const handle = await escalate();
      const examples = await examplesOf(handle);
      const shown = examples.find((resolution) => resolution.decision === decision);
      acceptFromNowOn(handle);
      const filledIn = {
        actor: 'ana',
        note: 'by phone',
        ...(shown?.courierId && { courierId: 'bike-7' }),
      };
      await workflowOf(handle).signal('resolve', { ...shown, ...filledIn });
      const { resolvedBy, status } = await handle.result();
      expect({ resolvedBy, status }).toEqual({
        resolvedBy: 'ana',
        status: decision === 'cancel' ? 'cancelled' : 'dispatched',
      });
    }
  });

  test('the same JSON pasted unchanged is refused, and says that it must be filled in', async () => {
    const handle = await escalate();
    const examples = await examplesOf(handle);
    expect(examples).toHaveLength(3);
    for (const example of [
      ...examples,
      { decision: 'markDispatched', courierId: 'courier', actor: 'You', note: 'why' },
    ]) {
      await workflowOf(handle).signal('resolve', example);
      await expect(
        workflowOf(handle).executeUpdate('resolve', { args: [example] }),
      ).rejects.toMatchObject({ cause: { message: expect.stringContaining('fill it in') } });
    }
    const details = await eventually(async () => {
      const text = await currentDetails(handle);
      return text.includes('resolution.courierId: is still the placeholder') && text;
    });
    expect(details).toContain('resolution.actor: is still the placeholder: fill it in');
    expect((await handle.status()).status).toBe('escalated');
    await handle.resolve({ decision: 'cancel', actor: 'ana', note: 'done' });
  });

  test('what the Web UI’s own button would do is told beside the decisions', async () => {
    const handle = await escalate();
    expect(await currentDetails(handle)).toMatch(
      /To decide:.*Request Cancellation\* is no decision: it cancels the order/s,
    );
    await workflowOf(handle).cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
  });

  test('the Web UI’s list leads to the details by a summary that names nobody', async () => {
    const order = newOrder();
    const handle = await bed.client.placeOrder(order);
    await handle.result();
    const { staticSummary } = await workflowOf(handle).describe();
    expect(await staticSummary()).toMatch(/waits for a person: User Metadata says/);
  });

  test('an order started from the Web UI, without a memo, is dispatched like any other', async () => {
    const order = newOrder({ orderId: `o-${randomUUID()}` });
    const result = await bed.temporal.workflow.execute('dispatchOrder', {
      workflowId: dispatchOrderWorkflowId(order.orderId),
      taskQueue: 'order-dispatch',
      args: [{ order }],
    });
    expect(result).toMatchObject({ status: 'dispatched' });
  });
});
