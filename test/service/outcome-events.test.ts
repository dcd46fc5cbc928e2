import { randomUUID } from 'node:crypto';
import { connect, type ChannelModel } from 'amqplib';
import { Client } from 'pg';
import { pino } from 'pino';
import { recordAcknowledgement } from '../../database/orders/acknowledgements';
import {
  applyResolution,
  escalate,
  escalateCallOff,
  escalateWithdrawal,
  startCancellation,
} from '../../database/orders/change-order';
import { openOrdersDatabase, type OrdersDatabase } from '../../database/orders/connection';
import { readHealthFigures } from '../../database/orders/health';
import { tellDueTasks } from '../../database/orders/due-tasks';
import { snoozeTask } from '../../database/orders/human-tasks';
import { relayOutcomeEvents, type EventFate } from '../../database/orders/outcome-events';
import { insertOrRead } from '../../database/orders/record-order';
import { EXCHANGES } from '../../domain/amqp-names';
import { contentHash } from '../../domain/content-hash';
import type { StoredOutcomeEvent } from '../../domain/outcome-events';
import { DEFAULT_POLICY } from '../../domain/policy';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { outcomeEventMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { silentLogger, type Logger } from '../../runtime/logger';
import { startOutcomeEventRelay, type OutcomeEventRelay } from '../../worker/outcome-event-relay';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { closedGate, type Gate } from '../gate';
import { patience } from '../patience';
import { openOrdersRows, type OrdersRows } from '../rows';
import {
  createSurroundings,
  eventually,
  newOrder,
  setup,
  withDatabaseAway,
  type Surroundings,
} from '../setup';

const MIA = { actor: 'mia', note: 'by phone', via: 'cli' } as const;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** A message on the exchange, as anybody sees it. */
interface Seen {
  messageId: string;
  type: string;
  routingKey: string;
  appId: string;
  contentType: string;
  body: Record<string, unknown>;
}

describe('outcome events:', () => {
  let surroundings: Surroundings;
  let database: OrdersDatabase;
  let rows: OrdersRows;
  let listener: ChannelModel;
  let seen: Seen[];
  const opened: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    surroundings = await createSurroundings();
    database = openOrdersDatabase({ url: surroundings.ordersDatabaseUrl });
    rows = openOrdersRows(surroundings.ordersDatabaseUrl);
    // Declares the exchange.
    await (await openPublisher()).close();
  });
  beforeEach(async () => {
    await rows.outcomeEvent.deleteMany();
    await rows.humanTask.deleteMany();
    seen = [];
  });
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await database.close();
    await rows.$disconnect();
    await surroundings.remove();
  });

  const openPublisher = (url = surroundings.amqpUrl) =>
    Publisher.open({ url, name: 'test relay', log: silentLogger() });
  /** Binds a queue for every event, which the broker deletes at the end, and takes what comes. */
  const listen = async () => {
    listener = await connect(surroundings.amqpUrl);
    listener.on('error', () => {});
    opened.push(() => listener.close().catch(() => {}));
    const channel = await listener.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, EXCHANGES.events, '#');
    await channel.consume(queue, (message) => {
      if (!message) return;
      const { properties, content, fields } = message;
      seen.push({
        messageId: String(properties.messageId),
        type: String(properties.type),
        routingKey: fields.routingKey,
        appId: String(properties.appId),
        contentType: String(properties.contentType),
        body: JSON.parse(content.toString()) as Record<string, unknown>,
      });
      channel.ack(message);
    });
  };
  const startRelay = async (
    options: { amqpUrl?: string; log?: Logger } = {},
  ): Promise<OutcomeEventRelay> => {
    const { amqpUrl, log = silentLogger() } = options;
    const publisher = await openPublisher(amqpUrl);
    const relay = startOutcomeEventRelay({ database, publisher, log });
    opened.push(
      () => publisher.close(),
      () => relay.close(),
    );
    return relay;
  };

  /** A relay that has taken its first events, and publishes them once the gate is open. */
  const startSlowRelay = async (gate: Gate) => {
    const publisher = await openPublisher();
    let isStopped = false;
    let sent = 0;
    let hasSome = false;
    // Until the test has done its part.
    const leaseMs = 3_600_000;
    const publish = async (events: readonly StoredOutcomeEvent[]) => {
      hasSome = true;
      await gate.opened;
      for (const event of events) await publisher.publish(outcomeEventMessage(event));
      sent += events.length;
      return events.map((): EventFate => 'sent');
    };
    const run = async () => {
      while (!isStopped) await relayOutcomeEvents(database, { limit: 5, publish, leaseMs });
    };
    const running = run();
    await eventually(() => hasSome, { what: 'events that the slow relay has taken' });
    opened.push(async () => {
      isStopped = true;
      await running;
      await publisher.close();
    });
    return { sent: () => sent };
  };

  const placed = async (policy = {}): Promise<string> => {
    const order = newOrder();
    await insertOrRead(
      database,
      {
        order,
        contentHash: contentHash(order),
        policy: { ...DEFAULT_POLICY, ...policy },
        dispatchBy: new Date(Date.now() + MINUTE_MS).toISOString(),
      },
      { attempt: true },
    );
    return order.orderId;
  };
  const accept = (orderId: string) =>
    recordAcknowledgement(database, `answer-to-${orderId}`, {
      requestId: `${orderId}.1`,
      orderId,
      outcome: 'accepted',
      courierId: 'courier-1',
      decidedAt: new Date().toISOString(),
    });
  const escalateNow = (orderId: string, requestNumber = 1, at = new Date()) =>
    escalate(database, {
      orderId,
      requestNumber,
      escalationReason: 'noAcknowledgement',
      at: at.toISOString(),
    });
  const resolve = (orderId: string, decision: 'retry' | 'markDispatched') =>
    applyResolution(database, {
      orderId,
      resolution: {
        ...MIA,
        decision,
        ...(decision === 'markDispatched' && { courierId: 'bike-7' }),
      },
      at: new Date().toISOString(),
      dispatchBy: new Date(Date.now() + MINUTE_MS).toISOString(),
    });
  const stored = () => rows.outcomeEvent.findMany({ orderBy: { id: 'asc' } });
  const allSent = () =>
    eventually(async () => (await stored()).every(({ sentAt }) => sentAt), {
      what: 'that all events are marked as sent',
    });
  const came = (count: number) =>
    eventually(() => seen.length >= count, { what: `${count} events` });
  const dueEvents = () => seen.filter(({ type }) => type === 'human-task.due.v1');
  /** Waits until an event that is written now has come: what comes before it in the table has come, too. */
  const markerCame = async () => {
    const orderId = await placed();
    await accept(orderId);
    await eventually(() => seen.some(({ body }) => body['orderId'] === orderId), {
      what: 'the marker',
    });
  };

  test('each change of an order is one message, with the ID, the type and the time of its row', async () => {
    await listen();
    await startRelay();
    const orderId = await placed();
    await escalateNow(orderId);
    await escalateNow(orderId);
    await resolve(orderId, 'markDispatched');
    await came(3);
    await allSent();
    const events = await stored();
    expect(seen.map(({ type }) => type)).toEqual([
      'order.escalated.v1',
      'human-task.closed.v1',
      'order.dispatched.v1',
    ]);
    expect(seen).toEqual(
      events.map(({ eventId, type, body, createdAt }) => ({
        messageId: eventId,
        type,
        routingKey: type,
        appId: 'order-dispatch',
        contentType: 'application/json',
        body: { at: createdAt.toISOString(), ...(body as object) },
      })),
    );
    expect(JSON.stringify(seen)).not.toMatch(/Long Street|by phone|mia|"c-7"/);
  });

  test('a task of an order, of its withdrawal, and of a courier to call off is told of when it opens', async () => {
    await listen();
    await startRelay();
    const at = new Date().toISOString();
    const [order, cancelled, byHand] = [await placed(), await placed(), await placed()];
    await escalateNow(order);
    await startCancellation(database, { orderId: cancelled, request: MIA, at });
    await escalateWithdrawal(database, { orderId: cancelled, at });
    await escalateNow(byHand);
    await resolve(byHand, 'markDispatched');
    await escalateWithdrawal(database, { orderId: byHand, at });
    const taskId = cancelOrderWorkflowId(byHand);
    await startCancellation(database, { orderId: byHand, request: MIA, at });
    await escalateCallOff(database, { orderId: byHand, at, taskId });
    const opened = () => seen.filter(({ type }) => type === 'order.escalated.v1');
    await eventually(() => opened().length === 5);
    await markerCame();
    const told = (orderId: string, status: string, escalationReason: string, more = {}) => ({
      ...{ at: expect.any(String) as string, orderId, status, escalationReason },
      ...{ taskId: dispatchOrderWorkflowId(orderId), ...more },
    });
    const of = (orderId: string) =>
      opened().flatMap(({ body }) => (body['orderId'] === orderId ? [body] : []));
    expect(of(order)).toEqual([told(order, 'escalated', 'noAcknowledgement')]);
    expect(of(cancelled)).toEqual([told(cancelled, 'cancelling', 'withdrawalFailed')]);
    expect(of(byHand)).toEqual([
      told(byHand, 'escalated', 'noAcknowledgement'),
      told(byHand, 'dispatched', 'withdrawalFailed'),
      told(byHand, 'cancelling', 'courierToCallOff', { taskId }),
    ]);
  });

  test('a change that is rolled back has no event', async () => {
    await listen();
    await startRelay();
    const orderId = await placed();
    const client = new Client({ connectionString: surroundings.ordersDatabaseUrl });
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(`UPDATE orders SET status = 'cancelled' WHERE order_id = $1`, [orderId]);
      const { rows: written } = await client.query('SELECT type FROM outcome_events');
      expect(written).toEqual([{ type: 'order.cancelled.v1' }]);
      await markerCame();
      await client.query('ROLLBACK');
    } finally {
      await client.end();
    }
    await accept(orderId);
    await came(2);
    await allSent();
    expect(seen.map(({ type }) => type)).toEqual(['order.dispatched.v1', 'order.dispatched.v1']);
  });

  test('the events of each order come in their order, with two relays, one of them slow', async () => {
    await listen();
    const orderIds = await Promise.all(Array.from({ length: 40 }, () => placed()));
    // One after the other, so that an order's events are far apart in the table.
    for (let round = 1; round <= 3; round += 1) {
      await Promise.all(orderIds.map((orderId) => escalateNow(orderId, round)));
      await Promise.all(orderIds.map((orderId) => resolve(orderId, 'retry')));
    }
    const gate = closedGate();
    const slow = await startSlowRelay(gate);
    const relay = await startRelay();
    // And while they run: what the slow one has taken is not sent before others of later.
    await Promise.all(orderIds.map((orderId) => accept(orderId)));
    await eventually(() => relay.counts().sent > 0, { what: 'events that the other relay sent' });
    gate.open();
    await came(40 * 7);
    await allSent();
    const events = await stored();
    for (const orderId of orderIds) {
      const inTable = events.filter(({ subject }) => subject === orderId);
      const onWire = seen.filter(({ body }) => body['orderId'] === orderId);
      expect(onWire.map(({ messageId }) => messageId)).toEqual(
        inTable.map(({ eventId }) => eventId),
      );
    }
    // Or this shows nothing.
    expect(slow.sent()).toBeGreaterThan(0);
  });

  test('an event that another relay has locked holds back the next one of its order, not those of others', async () => {
    await listen();
    const orderId = await placed();
    await escalateNow(orderId);
    await resolve(orderId, 'retry');
    const other = new Client({ connectionString: surroundings.ordersDatabaseUrl });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query('SELECT 1 FROM outcome_events ORDER BY id LIMIT 1 FOR UPDATE');
      await startRelay();
      await markerCame();
      expect(seen.filter(({ body }) => body['orderId'] === orderId)).toEqual([]);
      await other.query('ROLLBACK');
    } finally {
      await other.end();
    }
    await came(3);
    expect(seen.map(({ type }) => type)).toEqual([
      'order.dispatched.v1',
      'order.escalated.v1',
      'human-task.closed.v1',
    ]);
  });

  test('the events of a relay that died are sent once its lease is over, and hold back only their own orders', async () => {
    await listen();
    const orderId = await placed();
    await escalateNow(orderId);
    await resolve(orderId, 'retry');
    const leased = closedGate();
    void relayOutcomeEvents(database, {
      limit: 1,
      leaseMs: patience(100),
      publish: () => {
        leased.open();
        return new Promise(() => {});
      },
    });
    await leased.opened;
    const [{ notBefore } = { notBefore: null }] = await stored();
    await startRelay();
    await markerCame();
    await came(3);
    const events = await stored();
    expect(events.map(({ type }) => type)).toEqual([
      'order.escalated.v1',
      'human-task.closed.v1',
      'order.dispatched.v1',
    ]);
    await allSent();
    const [first] = await stored();
    expect(first?.sentAt?.getTime()).toBeGreaterThanOrEqual(notBefore?.getTime() ?? Infinity);
    expect(seen.at(-1)?.type).toBe('human-task.closed.v1');
  });

  test('while it is published, no transaction is open, and no row is locked', async () => {
    await accept(await placed());
    let open: unknown;
    await relayOutcomeEvents(database, {
      limit: 1,
      publish: async (events) => {
        open = await rows.$queryRaw`
          SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`;
        return events.map((): EventFate => 'sent');
      },
    });
    expect(open).toEqual([]);
    await allSent();
  });

  test('a full queue of one subscriber holds back the events that it would get, with growing pauses, and no others', async () => {
    const full = await connect(surroundings.amqpUrl);
    opened.push(() => full.close());
    const channel = await full.createConfirmChannel();
    const queue = `full-${randomUUID()}`;
    const limits = { 'x-max-length': 1, 'x-overflow': 'reject-publish' };
    await channel.assertQueue(queue, { exclusive: true, arguments: limits });
    await channel.bindQueue(queue, EXCHANGES.events, 'order.escalated.v1');
    channel.sendToQueue(queue, Buffer.from('it is full'));
    await channel.waitForConfirms();
    await listen();
    const orderId = await placed();
    await escalateNow(orderId);
    await startRelay();
    const refused = await eventually(async () => {
      const event = (await stored()).find(({ subject }) => subject === orderId);
      return event && event.failures >= 3 && event;
    });
    // Pauses of 1, 2 and 4 s.
    const waitedMs = Number(refused.notBefore) - Number(refused.createdAt);
    expect(waitedMs).toBeGreaterThanOrEqual(7_000);
    await markerCame();
    expect(await readHealthFigures(database)).toMatchObject({ eventsRefused: 1 });
    await channel.purgeQueue(queue);
    await allSent();
    expect(await readHealthFigures(database)).toMatchObject({ eventsRefused: 0 });
    // The others had it each time, with the same ID.
    const ids = seen
      .filter(({ body }) => body['orderId'] === orderId)
      .map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(1);
    expect(ids.length).toBeGreaterThanOrEqual(4);
  });

  test('where no queue is bound, an event counts as sent, and is counted', async () => {
    const relay = await startRelay();
    await accept(await placed());
    await eventually(() => relay.counts().sent === 1);
    await allSent();
    expect(relay.counts()).toEqual({ sent: 1, unrouted: 1, refused: 0 });
  });

  test('an event that can never be published waits for a person, and stops no other', async () => {
    await listen();
    const orderId = await placed();
    await rows.outcomeEvent.createMany({
      data: [
        { subject: orderId, type: 'order.dispatched.v1', body: { orderId } },
        { subject: orderId, type: 'no routing key', body: {} },
        { subject: orderId, type: 'order.dispatched.v1', body: [] },
        { subject: orderId, type: 'order.praised.v1', body: { text: 'x'.repeat(70_000) } },
      ],
    });
    await accept(orderId);
    const relay = await startRelay();
    await came(1);
    expect(seen).toMatchObject([{ type: 'order.dispatched.v1', body: { courierId: 'courier-1' } }]);
    await eventually(async () => (await stored()).at(-1)?.sentAt);
    expect((await stored()).map(({ sentAt, refusal }) => [sentAt !== null, refusal])).toEqual([
      [false, expect.stringMatching(/body\.status/)],
      [false, expect.stringMatching(/type/)],
      [false, expect.stringMatching(/no object/)],
      [false, expect.stringMatching(/bytes/)],
      [true, null],
    ]);
    expect(relay.counts()).toMatchObject({ refused: 4 });
  });

  test('a type of a later version goes out as it is, and so do fields of one', async () => {
    await listen();
    await startRelay();
    const known = { orderId: 'o-1', status: 'dispatched', later: 1 };
    await rows.outcomeEvent.createMany({
      data: [
        { subject: 'o-1', type: 'order.praised.v1', body: { orderId: 'o-1', stars: 5 } },
        { subject: 'o-1', type: 'order.dispatched.v1', body: known },
      ],
    });
    await came(2);
    expect(seen.map(({ body }) => body)).toMatchObject([{ orderId: 'o-1', stars: 5 }, known]);
  });

  test('an event whose confirm is lost with the connection goes out again', async () => {
    await listen();
    const proxy = await startProxy(surroundings.amqpUrl);
    opened.push(() => proxy.close());
    await startRelay({ amqpUrl: proxy.url });
    await markerCame();
    const orderIds = await Promise.all(Array.from({ length: 10 }, () => placed()));
    proxy.hold();
    await Promise.all(orderIds.map((orderId) => accept(orderId)));
    await came(11);
    proxy.cut();
    proxy.mend();
    await allSent();
    await came(21);
    expect(new Set(seen.map(({ messageId }) => messageId)).size).toBe(11);
  });

  test('while the database is away the events wait, and go out when it is back', async () => {
    await listen();
    const warnings: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
    await startRelay({ log });
    const orderId = await placed();
    await withDatabaseAway(surroundings.stack, surroundings.ordersDatabaseUrl, () =>
      eventually(() => warnings.some((line) => line.includes('outcome events wait'))),
    );
    await eventually(() => accept(orderId));
    await came(1);
    await allSent();
  });

  describe('a human task', () => {
    const POLICY = { taskDueMs: MINUTE_MS, taskOverdueMs: 60 * MINUTE_MS };
    /** An order whose task was opened two minutes ago: due, and not overdue. */
    const dueTask = async () => {
      const orderId = await placed(POLICY);
      const openedAt = new Date(Date.now() - 2 * MINUTE_MS);
      await escalateNow(orderId, 1, openedAt);
      return { orderId, key: { taskId: dispatchOrderWorkflowId(orderId), openedAt } };
    };
    const alter = (orderId: string, data: { overdueAt?: Date; snoozedUntil?: Date }) =>
      rows.humanTask.updateMany({ where: { orderId }, data });
    const aSecondAgo = () => new Date(Date.now() - SECOND_MS);

    test('is told of once when it is due and once when it is overdue, over restarts and with two relays', async () => {
      await listen();
      const { orderId, key } = await dueTask();
      const first = await startRelay();
      await eventually(() => dueEvents().length > 0);
      await first.close();
      await startRelay();
      await startRelay();
      await markerCame();
      await tellDueTasks(database, { limit: 100 });
      await alter(orderId, { overdueAt: aSecondAgo() });
      await eventually(() => dueEvents().length > 1);
      await tellDueTasks(database, { limit: 100 });
      await markerCame();
      const body = {
        orderId,
        taskId: key.taskId,
        openedAt: key.openedAt.toISOString(),
        dueAt: new Date(key.openedAt.getTime() + MINUTE_MS).toISOString(),
        kind: 'order',
        escalationReason: 'noAcknowledgement',
      };
      expect(dueEvents().map((event) => event.body)).toEqual([
        { at: expect.any(String) as string, ...body, overdue: false },
        { at: expect.any(String) as string, ...body, overdue: true },
      ]);
    });

    test('that is overdue when somebody first looks is told of once', async () => {
      const { orderId } = await dueTask();
      await alter(orderId, { overdueAt: aSecondAgo() });
      expect(await tellDueTasks(database, { limit: 100 })).toBe(1);
      expect(await tellDueTasks(database, { limit: 100 })).toBe(0);
      const events = await rows.outcomeEvent.findMany({ where: { type: 'human-task.due.v1' } });
      expect(events).toMatchObject([{ subject: orderId, body: { overdue: true } }]);
    });

    test('that another process is about to tell of is left to it', async () => {
      const { orderId } = await dueTask();
      const other = new Client({ connectionString: surroundings.ordersDatabaseUrl });
      await other.connect();
      try {
        await other.query('BEGIN');
        await other.query(`UPDATE human_tasks SET told_due_at = now() WHERE order_id = $1`, [
          orderId,
        ]);
        expect(await tellDueTasks(database, { limit: 100 })).toBe(0);
        await other.query('COMMIT');
      } finally {
        await other.end();
      }
      expect(await tellDueTasks(database, { limit: 100 })).toBe(0);
    });

    test('is not told of while it is snoozed, nor once it is closed, and again when the snooze ends', async () => {
      const { orderId, key } = await dueTask();
      const until = new Date(Date.now() + MINUTE_MS);
      await tellDueTasks(database, { limit: 100 });
      await snoozeTask(database, { key, act: MIA, until });
      expect(await tellDueTasks(database, { limit: 100 })).toBe(0);
      await alter(orderId, { snoozedUntil: aSecondAgo() });
      expect(await tellDueTasks(database, { limit: 100 })).toBe(1);
      await snoozeTask(database, { key, act: MIA, until });
      await resolve(orderId, 'retry');
      await alter(orderId, { snoozedUntil: aSecondAgo() });
      expect(await tellDueTasks(database, { limit: 100 })).toBe(0);
    });

    test('of thousands all are told of, some at a time', async () => {
      await listen();
      await rows.humanTask.createMany({
        data: Array.from({ length: 1_050 }, (_, n) => ({
          taskId: `health/${n}`,
          openedAt: new Date(Date.now() - MINUTE_MS),
          kind: 'health',
          escalationReason: 'unhealthy',
          dueAt: aSecondAgo(),
          overdueAt: new Date(Date.now() + MINUTE_MS),
        })),
      });
      await startRelay();
      await came(1_050);
      expect(new Set(seen.map(({ body }) => body['taskId'])).size).toBe(1_050);
      expect(seen[0]?.body).not.toHaveProperty('orderId');
    });
  });
});

test('an order that is dispatched on the quick path is told of by its worker at once, without a poll', async () => {
  const never = 3_600_000;
  const bed = await setup({ relayPolls: { busyMs: never, idleMs: never } });
  try {
    const handle = await bed.client.placeOrder(newOrder());
    await handle.result();
    await eventually(() => bed.worker.relayedEvents().sent === 1);
    await eventually(async () => {
      const [event] = await bed.orders.outcomeEvent.findMany();
      return event?.sentAt;
    });
  } finally {
    await bed.close();
  }
});
