import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Submission } from '../../activities/submit-order';
import { OrderConflict, type Order } from '../../client';
import { recordAcknowledgement } from '../../database/orders/acknowledgements';
import { endHold } from '../../database/orders/holds';
import { insertOrRead } from '../../database/orders/record-order';
import type { Decide } from '../../dispatch-system/decide';
import { contentHash } from '../../domain/content-hash';
import { DEFAULT_POLICY } from '../../domain/policy';
import { TASK_QUEUES, WORKFLOW_TYPES, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { hold } from '../../operations/hold';
import {
  deleteWorkflow,
  eventually,
  historyLength,
  newOrder,
  openTask,
  setup,
  type TestBed,
} from '../setup';

/** The events of an order's workflow, each with its time in ms since 1970. */
async function timedEvents(temporal: Client, orderId: string) {
  const workflow = temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  const { events } = await workflow.fetchHistory();
  return (events ?? []).map((event) => ({
    event,
    at: Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6,
  }));
}

/** When an order's first workflow task started and was completed, in ms since 1970. */
async function firstTaskOf(temporal: Client, orderId: string) {
  const timed = await timedEvents(temporal, orderId);
  const from = timed.find(({ event }) => event.workflowTaskStartedEventAttributes)?.at;
  const to = timed.find(({ event }) => event.workflowTaskCompletedEventAttributes)?.at;
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** For how long the workflow task that took an order's first update waited for a slot, in ms. */
async function updateWaited(temporal: Client, orderId: string): Promise<number> {
  const timed = await timedEvents(temporal, orderId);
  const accepted = timed.findIndex(
    ({ event }) => event.workflowExecutionUpdateAcceptedEventAttributes,
  );
  const before = timed.slice(0, accepted);
  const started = before.findLast(({ event }) => event.workflowTaskStartedEventAttributes);
  const scheduled = before.findLast(({ event }) => event.workflowTaskScheduledEventAttributes);
  return (started?.at ?? Infinity) - (scheduled?.at ?? 0);
}

describe('quick path', () => {
  let bed: TestBed;
  beforeAll(async () => (bed = await setup()));
  afterAll(() => bed.close());

  const ledgerOf = (orderId: string) =>
    bed.orders.acknowledgement.findMany({ where: { orderId }, orderBy: { id: 'asc' } });
  const dispatchesOf = (orderId: string) =>
    bed.dispatches.dispatch.findMany({ where: { orderId } });

  test('an order that is accepted at once takes at most 7 events, one dispatch and one ledger row', async () => {
    // The first order of all finds everything cold; how long an answer may take is not the point here.
    const policy = { quickWindowMs: 3_000 };
    await (await bed.client.placeOrder(newOrder(), { policy })).result();
    const order = newOrder();
    const handle = await bed.client.placeOrder(order, { policy });
    const result = await handle.result();

    expect(result).toMatchObject({
      orderId: order.orderId,
      status: 'dispatched',
      dispatchedBy: 'acknowledgement',
      attempts: 1,
      resolvedBy: null,
    });
    expect(await historyLength(bed.temporal, order.orderId)).toBeLessThanOrEqual(7);
    expect(await dispatchesOf(order.orderId)).toMatchObject([
      { courierId: result.courierId, status: 'live' },
    ]);
    expect(await ledgerOf(order.orderId)).toMatchObject([{ class: 'first', outcome: 'accepted' }]);
  });

  test('a repeat of the same request changes nothing and is answered the same', async () => {
    const order = newOrder();
    const { courierId } = await (await bed.client.placeOrder(order)).result();
    const requestId = `${order.orderId}.1`;
    await bed.publishRequest(order.orderId, requestId);
    await eventually(async () => (await ledgerOf(order.orderId)).length === 2);

    expect(await ledgerOf(order.orderId)).toMatchObject([
      { class: 'first', requestId, courierId },
      { class: 'duplicate', requestId, courierId },
    ]);
    expect(await dispatchesOf(order.orderId)).toHaveLength(1);
  });

  test('placing the same order again is the same order', async () => {
    const order = newOrder();
    const first = await (await bed.client.placeOrder(order)).result();
    const second = await (await bed.client.placeOrder(order)).result();
    expect(second).toEqual(first);
    expect(await dispatchesOf(order.orderId)).toHaveLength(1);
  });

  test('the same order ID with other content is refused', async () => {
    const order = newOrder();
    await (await bed.client.placeOrder(order)).result();
    await expect(bed.client.placeOrder({ ...order, note: 'no onions' })).rejects.toThrow(
      OrderConflict,
    );
  });

  test('the same order ID with other content is refused after a start by hand, too', async () => {
    const order = newOrder();
    await bed.temporal.workflow.execute(WORKFLOW_TYPES.dispatchOrder, {
      workflowId: dispatchOrderWorkflowId(order.orderId),
      taskQueue: TASK_QUEUES.main,
      args: [{ order }],
    });
    await expect(bed.client.placeOrder({ ...order, note: 'no onions' })).rejects.toThrow(
      OrderConflict,
    );
  });

  test('the same order ID with other content is refused after the workflow was deleted', async () => {
    const order = newOrder();
    const { courierId } = await (await bed.client.placeOrder(order)).result();
    await deleteWorkflow(bed, dispatchOrderWorkflowId(order.orderId));

    const other = await bed.client.placeOrder({ ...order, note: 'no onions' });
    await expect(other.result()).rejects.toThrow(OrderConflict);
    const same = await bed.client.placeOrder(order);
    expect(await same.result()).toMatchObject({ status: 'dispatched', courierId, attempts: 1 });
  });

  test('an order over 60 KiB is refused, and the error does not quote it', async () => {
    const items = Array.from({ length: 450 }, (_, index) => ({
      sku: `${index}-`.padEnd(128, 'x'),
      quantity: 1,
      unitPriceMinor: 1,
    }));
    await expect(bed.client.placeOrder(newOrder({ items }))).rejects.toThrow(
      /^order: is \d+ bytes of JSON, at most 61440 are allowed$/,
    );
  });

  test.each([
    ['U+0000 in a text', { note: 'a\u0000b' }, 'order.note'],
    ['half a surrogate pair', { restaurantId: 'r-\ud83d' }, 'order.restaurantId'],
    [
      'such a key in the details',
      { details: { deep: [{ 'k\u0000': 1 }] } },
      'order.details.deep[0]',
    ],
  ])('an order that no database stores is refused: %s', async (_what, fields, name) => {
    await expect(bed.client.placeOrder(newOrder(fields))).rejects.toMatchObject({
      code: 'InvalidOrder',
      message: expect.stringContaining(`${name}: has a character`) as string,
    });
  });

  test('a bad field is named, and its value is not', async () => {
    const order = newOrder({ deliveryAddress: { line: 'Secret Street', city: '', postcode: '1' } });
    const refused = bed.client.placeOrder({ ...order, currency: 'secret' });
    await expect(refused).rejects.toMatchObject({ code: 'InvalidOrder' });
    const { message } = (await refused.catch((error: unknown) => error)) as Error;
    expect(message).toContain('order.deliveryAddress.city');
    expect(message).toContain('order.currency');
    expect(message).not.toMatch(/secret/i);
  });

  describe('the places of orders that do not wait for an answer', () => {
    // Two of four slots may wait.
    const PLACES = 2;
    let small: TestBed;
    beforeAll(async () => (small = await setup({ maximumWorkflowTasks: 2 * PLACES })));
    afterAll(() => small.close());

    const record = async (order: Order) => {
      const dispatchBy = new Date(Date.now() + 60_000).toISOString();
      await insertOrRead(
        small.databases.orders,
        { order, contentHash: contentHash(order), policy: DEFAULT_POLICY, dispatchBy },
        { attempt: true },
      );
    };
    /** Whether the first task of an order sent its request: it counted the attempt then. */
    const tookQuickPath = async ({ orderId }: Order) => {
      const timed = await timedEvents(small.temporal, orderId);
      const marker = timed.find(({ event }) => event.markerRecordedEventAttributes);
      const { result } = marker?.event.markerRecordedEventAttributes?.details ?? {};
      const [payload] = result?.payloads ?? [];
      if (!payload) throw new Error(`the first task of ${orderId} has no result`);
      return defaultPayloadConverter.fromPayload<Submission>(payload).order.attempts === 1;
    };

    test.each<[string, (order: Order) => Promise<unknown>]>([
      [
        'were placed before',
        async (order) => {
          await record(order);
          await recordAcknowledgement(small.databases.orders, `answer-to-${order.orderId}`, {
            ...{ requestId: `${order.orderId}.1`, orderId: order.orderId, outcome: 'accepted' },
            ...{ courierId: 'courier-3', decidedAt: new Date().toISOString() },
          });
          const handle = await small.client.placeOrder(order);
          expect(await handle.result()).toMatchObject({ courierId: 'courier-3' });
        },
      ],
      [
        'have the ID of another one',
        async (order) => {
          await record({ ...order, note: 'no onions' });
          const handle = await small.client.placeOrder(order);
          await expect(handle.result()).rejects.toThrow(OrderConflict);
        },
      ],
      [
        'are held',
        async (order) => {
          const { id } = await hold(small.databases.orders, { actor: 'mia', note: 'down' });
          try {
            const handle = await small.client.placeOrder(order);
            await eventually(async () => (await handle.status()).isHeld, { what: 'a hold' });
          } finally {
            await endHold(small.databases.orders, id);
          }
        },
      ],
    ])('are given back where they %s', async (_which, place) => {
      for (let n = 0; n < PLACES; n += 1) await place(newOrder());
      const order = newOrder();
      await (await small.client.placeOrder(order)).result();
      expect(await tookQuickPath(order)).toBe(true);
    });
  });

  test('half of the slots may wait in the quick path: meanwhile orders are placed and signals are taken', async () => {
    // Ten of twenty slots may wait.
    const small = await setup({ maximumWorkflowTasks: 20 });
    try {
      const asked = new Set<string>();
      const silence: Decide = (question) => {
        if (question.kind === 'request') asked.add(question.request.orderId);
        return { kind: 'staySilent' };
      };
      const escalated = newOrder();
      small.script(escalated.orderId, silence);
      const handle = await small.client.placeOrder(escalated, {
        policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 100, maximumAttempts: 1 },
      });
      await openTask(handle);

      asked.clear();
      const others = Array.from({ length: 30 }, () => newOrder());
      for (const { orderId } of others) small.script(orderId, silence);
      const policy = { quickWindowMs: 3_000, acknowledgementTimeoutMs: 3_600_000 };
      await Promise.all(others.map((order) => small.client.placeOrder(order, { policy })));
      // Those that found no place are asked about on the durable path.
      await eventually(() => asked.size === others.length, { what: 'a request for each order' });
      await handle.resolve({
        decision: 'markDispatched',
        courierId: 'courier-by-hand',
        actor: 'ana',
        note: 'by phone',
      });
      const windows = await eventually(
        async () => {
          const tasks = others.map(({ orderId }) => firstTaskOf(small.temporal, orderId));
          const ended = (await Promise.all(tasks)).filter((task) => task !== undefined);
          return (
            ended.length === others.length && ended.filter(({ from, to }) => to - from > 2_900)
          );
        },
        { what: 'the end of each first task' },
      );
      // As many as were open when the last of them began; one that is about to end has given its place back.
      const openAt = (at: number) =>
        windows.filter(({ from, to }) => from <= at && at + 1_000 < to).length;
      const mostAtOnce = Math.max(...windows.map(({ from }) => openAt(from)));
      expect(mostAtOnce).toBeGreaterThan(1);
      expect(mostAtOnce).toBeLessThanOrEqual(10);
      // The signal found a slot, and waited for no window to end.
      expect(await updateWaited(small.temporal, escalated.orderId)).toBeLessThan(2_900);
    } finally {
      await small.close();
    }
  });
});
