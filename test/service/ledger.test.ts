import { randomUUID } from 'node:crypto';
import { recordAcknowledgement } from '../../database/orders/acknowledgements';
import {
  applyResolution,
  cancelRejected,
  escalate,
  escalateCallOff,
  escalateWithdrawal,
  retryWithdrawal,
  settleWithdrawal,
  startCancellation,
  startNextRequest,
} from '../../database/orders/change-order';
import { openOrdersDatabase, type OrdersDatabase } from '../../database/orders/connection';
import { insertOrRead } from '../../database/orders/record-order';
import { contentHash } from '../../domain/content-hash';
import type { Acknowledgement } from '../../domain/messages/acknowledgement';
import type { AcknowledgementClass, OrderState } from '../../domain/order-state';
import { DEFAULT_POLICY } from '../../domain/policy';
import type { OrderStatus } from '../../domain/status';
import { insertOrderRow, openOrdersRows, type OrdersRows } from '../rows';
import {
  createSurroundings,
  lockAwaited,
  newOrder,
  withConnection,
  type Surroundings,
} from '../setup';

const NOW = '2026-11-24T12:00:00.000Z';
const BY_ANA = { actor: 'ana', note: 'looked into it' };

describe('the order database', () => {
  let surroundings: Surroundings;
  let database: OrdersDatabase;
  let rows: OrdersRows;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    database = openOrdersDatabase({ url: surroundings.ordersDatabaseUrl });
    rows = openOrdersRows(surroundings.ordersDatabaseUrl);
  });
  afterAll(async () => {
    await database.close();
    await rows.$disconnect();
    await surroundings.remove();
  });

  /** A row as if the order had come so far. */
  const seed = async (fields: Record<string, string | number | null> = {}): Promise<string> => {
    const order = newOrder();
    await insertOrderRow(rows, order, fields);
    return order.orderId;
  };
  const rowOf = (orderId: string) => rows.order.findUniqueOrThrow({ where: { orderId } });
  const acknowledge = (
    orderId: string,
    n: number | 'withdrawal',
    fields: Omit<Acknowledgement, 'requestId' | 'orderId' | 'decidedAt'>,
  ) =>
    recordAcknowledgement(database, randomUUID(), {
      requestId: `${orderId}.${n}`,
      orderId,
      decidedAt: NOW,
      ...fields,
    }).then(({ signal }) => signal);
  const ACCEPTED = { outcome: 'accepted', courierId: 'courier-1' } as const;
  const REJECTED = { outcome: 'rejected', rejectionCode: 'noCourierAvailable' } as const;
  const BY_PERSON = { status: 'dispatched', dispatchedBy: 'person', courierId: 'bike-7' };

  describe('classes an answer', () => {
    type Case = [
      AcknowledgementClass,
      string,
      Record<string, string | number>,
      { before?: typeof ACCEPTED | typeof REJECTED; n?: number | 'withdrawal'; answer?: object },
      { status: OrderStatus; courierId?: string | null },
    ];
    test.each<Case>([
      ['first', 'to an order that waits', {}, {}, { status: 'dispatched', courierId: 'courier-1' }],
      [
        'first',
        'to an order whose task is open',
        { status: 'escalated', escalationReason: 'noAcknowledgement' },
        {},
        { status: 'dispatched', courierId: 'courier-1' },
      ],
      ['first', 'that rejects', {}, { answer: REJECTED }, { status: 'placed', courierId: null }],
      [
        'first',
        'that accepts while the order is being cancelled',
        { status: 'cancelling' },
        {},
        { status: 'cancelling' },
      ],
      [
        'first',
        'to a request before the current one',
        { requestNumber: 2 },
        {},
        { status: 'dispatched' },
      ],
      [
        'first',
        'to the withdrawal',
        { status: 'cancelling' },
        { n: 'withdrawal', answer: { outcome: 'withdrawn' } },
        { status: 'cancelling' },
      ],
      ['unknownRequest', 'to a request that was never sent', {}, { n: 2 }, { status: 'placed' }],
      [
        'duplicate',
        'that repeats the first',
        {},
        { before: ACCEPTED },
        { status: 'dispatched', courierId: 'courier-1' },
      ],
      [
        'conflicting',
        'that says otherwise than the first',
        {},
        { before: REJECTED },
        { status: 'placed', courierId: null },
      ],
      [
        'conflicting',
        'with another courier, for a later request',
        { status: 'dispatched', dispatchedBy: 'acknowledgement', courierId: 'courier-9' },
        {},
        { status: 'dispatched', courierId: 'courier-9' },
      ],
      [
        'late',
        'that accepts a cancelled order',
        { status: 'cancelled' },
        {},
        { status: 'cancelled' },
      ],
      [
        'late',
        'that accepts an order which a person dispatched',
        BY_PERSON,
        {},
        { status: 'dispatched', courierId: 'bike-7' },
      ],
    ])('%s: %s', async (expected, _what, row, { before, n = 1, answer = ACCEPTED }, after) => {
      const orderId = await seed(row);
      if (before) await acknowledge(orderId, n, before);
      const { class: ackClass, order } = await acknowledge(orderId, n, answer as typeof ACCEPTED);
      expect(ackClass).toBe(expected);
      expect(await rowOf(orderId)).toMatchObject(after);
      expect(order?.status).toBe(after.status);
    });

    test('unknownOrder: to an order that nobody recorded', async () => {
      const { orderId } = newOrder();
      const recorded = await acknowledge(orderId, 1, ACCEPTED);
      expect(recorded).toMatchObject({ class: 'unknownOrder' });
      expect(recorded.order).toBeUndefined();
    });

    test('duplicate, which still dispatches: a repeat of the answer to a row that was lost', async () => {
      const orderId = await seed();
      await acknowledge(orderId, 1, ACCEPTED);
      await rows.order.update({
        where: { orderId },
        data: { status: 'placed', courierId: null, dispatchedBy: null },
      });
      expect(await acknowledge(orderId, 1, ACCEPTED)).toMatchObject({ class: 'duplicate' });
      expect(await rowOf(orderId)).toMatchObject({ status: 'dispatched', courierId: 'courier-1' });
    });

    test('of two answers at once one is the first, whichever, and the other knows', async () => {
      for (let round = 0; round < 20; round += 1) {
        const orderId = await seed();
        const answers = [ACCEPTED, { ...ACCEPTED, courierId: 'courier-2' }, REJECTED];
        const recorded = await Promise.all(
          answers.map((answer) => acknowledge(orderId, 1, answer)),
        );
        const classes = recorded.map(({ class: ackClass }) => ackClass);
        expect([...classes].sort()).toEqual(['conflicting', 'conflicting', 'first']);
        const first = answers[classes.indexOf('first')];
        expect(await rowOf(orderId)).toMatchObject(
          first?.outcome === 'accepted'
            ? { status: 'dispatched', courierId: first.courierId }
            : { status: 'placed' },
        );
      }
    });

    test('late: an acceptance that waited while the order was being cancelled', async () => {
      const orderId = await seed();
      const recorded = await withConnection(surroundings.ordersDatabaseUrl, async (other) => {
        await other.query('BEGIN');
        await other.query(`UPDATE orders SET status = 'cancelled' WHERE order_id = $1`, [orderId]);
        const acknowledged = acknowledge(orderId, 1, ACCEPTED);
        await lockAwaited(rows);
        await other.query('COMMIT');
        return acknowledged;
      });
      expect(recorded).toMatchObject({ class: 'late', order: { status: 'cancelled' } });
      expect(await rowOf(orderId)).toMatchObject({ status: 'cancelled', courierId: null });
    });
  });

  describe('a lost row', () => {
    test('comes back at the request that its copy says, and not behind it', async () => {
      const order = newOrder();
      const { order: state } = await insertOrRead(
        database,
        {
          order,
          contentHash: contentHash(order),
          policy: DEFAULT_POLICY,
          dispatchBy: NOW,
          requestNumber: 2,
          mayBeRestored: true,
        },
        { attempt: true },
      );
      expect(state).toMatchObject({ status: 'placed', requestNumber: 2, attempts: 1 });
      expect(await acknowledge(order.orderId, 2, ACCEPTED)).toMatchObject({ class: 'first' });
    });
  });

  describe('changes a status along its edge, and a repeat changes nothing', () => {
    const resolve =
      (decision: 'retry' | 'markDispatched' | 'cancel' | 'calledOff' | 'tooLate') =>
      ({ orderId }: { orderId: string }) =>
        applyResolution(database, {
          orderId,
          resolution: {
            decision,
            ...BY_ANA,
            ...(decision === 'markDispatched' && { courierId: 'bike-7' }),
          },
          at: NOW,
          dispatchBy: NOW,
        });
    const changes: Record<string, (given: { orderId: string }) => Promise<OrderState>> = {
      escalate: ({ orderId }) =>
        escalate(database, {
          orderId,
          requestNumber: 1,
          escalationReason: 'noAcknowledgement',
          at: NOW,
        }),
      startNextRequest: ({ orderId }) => startNextRequest(database, { orderId, requestNumber: 1 }),
      cancelRejected: ({ orderId }) =>
        cancelRejected(database, { orderId, requestNumber: 1, rejectionCode: 'other' }),
      startCancellation: ({ orderId }) =>
        startCancellation(database, { orderId, request: BY_ANA, at: NOW }),
      retry: resolve('retry'),
      markDispatched: resolve('markDispatched'),
      cancel: resolve('cancel'),
      calledOff: resolve('calledOff'),
      tooLate: resolve('tooLate'),
      escalateWithdrawal: ({ orderId }) => escalateWithdrawal(database, { orderId, at: NOW }),
      escalateCallOff: ({ orderId }) => escalateCallOff(database, { orderId, at: NOW }),
      retryWithdrawal: ({ orderId }) =>
        retryWithdrawal(database, {
          orderId,
          resolution: { decision: 'retry', ...BY_ANA },
          at: NOW,
        }),
      settleWithdrawal: ({ orderId }) => settleWithdrawal(database, { orderId }),
    };
    /** Where each row comes to: its status, with what is open about it. Everything else stays. */
    const starts: Record<string, Record<string, string>> = {
      placed: { status: 'placed' },
      escalated: { status: 'escalated', escalationReason: 'noAcknowledgement' },
      dispatched: { status: 'dispatched', dispatchedBy: 'acknowledgement', courierId: 'c-1' },
      byPerson: BY_PERSON,
      cancelling: { status: 'cancelling' },
      callingOff: {
        ...BY_PERSON,
        status: 'cancelling',
        escalationReason: 'courierToCallOff',
      },
      withdrawalFailed: { status: 'cancelling', escalationReason: 'withdrawalFailed' },
      cancelled: { status: 'cancelled' },
    };
    const ENDS: Record<string, Record<string, string>> = {
      placed: {
        escalate: 'escalated/noAcknowledgement',
        startNextRequest: 'placed#2',
        cancelRejected: 'cancelled',
        startCancellation: 'cancelling',
      },
      escalated: {
        cancelRejected: 'cancelled',
        startCancellation: 'cancelling',
        retry: 'placed#2',
        markDispatched: 'dispatched',
        cancel: 'cancelling',
      },
      dispatched: {
        startCancellation: 'cancelling',
        escalateWithdrawal: 'dispatched/withdrawalFailed',
      },
      byPerson: {
        startCancellation: 'cancelling',
        escalateWithdrawal: 'dispatched/withdrawalFailed',
      },
      cancelling: { escalateWithdrawal: 'cancelling/withdrawalFailed' },
      callingOff: { calledOff: 'cancelled', tooLate: 'dispatched' },
      withdrawalFailed: { retryWithdrawal: 'cancelling' },
      cancelled: {},
    };
    const described = ({ status, escalationReason, requestNumber }: OrderState) =>
      status +
      (escalationReason ? `/${escalationReason}` : '') +
      (requestNumber > 1 ? `#${requestNumber}` : '');

    test.each(
      Object.keys(starts).flatMap((start) => Object.keys(changes).map((name) => [start, name])),
    )('%s: %s', async (start = '', name = '') => {
      const orderId = await seed(starts[start]);
      const before = described((await readState(orderId)) as OrderState);
      const expected = ENDS[start]?.[name] ?? before;
      const change = changes[name];
      if (!change) throw new Error(`no change ${name}`);
      expect(described(await change({ orderId }))).toBe(expected);
      const once = await rowOf(orderId);
      expect(described(await change({ orderId }))).toBe(expected);
      const twice = await rowOf(orderId);
      expect({ ...twice, updatedAt: null }).toEqual({ ...once, updatedAt: null });
    });

    const readState = async (orderId: string) => {
      const { status, escalationReason, requestNumber } = await rowOf(orderId);
      return { status, escalationReason: escalationReason ?? undefined, requestNumber };
    };

    test.each([
      ['withdrawn', 'cancelled'],
      ['withdrawalRefused', 'dispatched'],
    ] as const)('cancelling, the withdrawal %s: %s, once', async (outcome, status) => {
      const orderId = await seed({ status: 'cancelling' });
      const courier = outcome === 'withdrawalRefused' ? { courierId: 'courier-1' } : {};
      await acknowledge(orderId, 'withdrawal', { outcome, ...courier });
      expect(await settleWithdrawal(database, { orderId })).toMatchObject({ status });
      expect(await settleWithdrawal(database, { orderId })).toMatchObject({ status });
    });

    test('a refused withdrawal leaves the courier whom a person sent', async () => {
      const orderId = await seed({ ...BY_PERSON, status: 'cancelling' });
      await acknowledge(orderId, 'withdrawal', {
        outcome: 'withdrawalRefused',
        courierId: 'courier-1',
      });
      expect(await settleWithdrawal(database, { orderId })).toMatchObject({
        status: 'dispatched',
        dispatchedBy: 'person',
        courierId: 'bike-7',
      });
    });
  });
});
