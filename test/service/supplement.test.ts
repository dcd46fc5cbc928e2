import { randomUUID } from 'node:crypto';
import { connect, type ChannelModel } from 'amqplib';
import { Client as Temporal } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Client as Postgres } from 'pg';
import { findDispatchRows, openDispatchView } from '../../database/dispatch/dispatch-view';
import { QUEUES } from '../../domain/amqp-names';
import type { OrderFacts } from '../../domain/verdict';
import {
  TASK_QUEUES,
  WORKFLOW_TYPES,
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../../domain/temporal-names';
import { dispatchRequestMessage, withdrawalMessage } from '../../messaging/messages';
import { Publisher, type OutgoingMessage } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { consumedMessages } from '../../runtime/metrics';
import { createDatabase, databaseUrl, dropDatabase } from '../../stack/servers/databases';
import { startSupplementSystem, type SupplementSystem } from '../../supplement/supplement-system';
import { startProcess, type TestProcess } from '../processes';
import {
  createSurroundings,
  eventually,
  newOrder,
  setup,
  withConnection,
  type Surroundings,
  type TestBed,
} from '../setup';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from '../rows';

/** There is no worker here: what is started stays as it was started. */
describe('the supplement system', () => {
  let surroundings: Surroundings;
  let connection: NativeConnection;
  let temporal: Temporal;
  let orders: OrdersRows;
  let dispatches: DispatchRows;
  let publisher: Publisher;
  let broker: ChannelModel;
  const systems: SupplementSystem[] = [];
  const processes: TestProcess[] = [];

  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { stack, namespace, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
    connection = await NativeConnection.connect({ address: stack.temporalAddress });
    temporal = new Temporal({ connection, namespace });
    orders = openOrdersRows(ordersDatabaseUrl);
    dispatches = openDispatchRows(dispatchDatabaseUrl);
    publisher = await Publisher.open({ url: amqpUrl, name: 'test', log: silentLogger() });
    broker = await connect(amqpUrl);
    doneBefore = await doneWith();
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) {
      process.kill('SIGKILL');
      await process.exited;
    }
    for (const system of systems.splice(0)) await system.close();
  });
  afterAll(async () => {
    await publisher.close();
    await broker.close();
    await connection.close();
    await orders.$disconnect();
    await dispatches.$disconnect();
    await surroundings.remove();
  });

  const start = async (
    options: { graceMs?: number; dispatchDatabaseUrl?: string } = {},
  ): Promise<SupplementSystem> => {
    const system = await startSupplementSystem({
      ...surroundings,
      connection,
      graceMs: 0,
      ...options,
      log: silentLogger(),
      pauses: { initialMs: 20, maximumMs: 100 },
    });
    systems.push(system);
    return system;
  };
  const startAsProcess = async (graceMs: string): Promise<TestProcess> => {
    const process = startProcess('supplement', surroundings, { SUPPLEMENT_GRACE_MS: graceMs });
    processes.push(process);
    await process.ready;
    return process;
  };

  /** How many messages the systems of this process are done with. */
  const doneWith = async (): Promise<number> => {
    const { values } = await consumedMessages.get();
    const ours = values.filter(({ labels }) => labels.queue === QUEUES.supplementRequests);
    return ours.reduce((sum, { value }) => sum + value, 0) - doneBefore;
  };
  let doneBefore = 0;
  let published = 0;
  /** To the supplement system alone. */
  const publish = async (message: OutgoingMessage): Promise<void> => {
    await publisher.publish({ ...message, exchange: '', routingKey: QUEUES.supplementRequests });
    published += 1;
  };
  const copyOf = (
    orderId: string,
    fields: { number?: number; contentHash?: string; appId?: string; timestamp?: number } = {},
  ): OutgoingMessage => {
    const { number = 1, contentHash = 'hash', ...properties } = fields;
    const requestId = `${orderId}.${number}`;
    const dispatchBy = new Date(Date.now() + 3_600_000).toISOString();
    const order = newOrder({ orderId });
    const body = { requestId, orderId, dispatchBy, contentHash, order };
    return { ...dispatchRequestMessage(body, undefined), ...properties };
  };
  const newId = () => `o-${randomUUID()}`;
  const insertOrder = async (orderId: string, facts: Partial<OrderFacts> = {}): Promise<void> => {
    const { status = 'dispatched', contentHash = 'hash' } = facts;
    const dispatched = { courierId: 'courier-1', dispatchedBy: 'acknowledgement', ...facts };
    await orders.order.create({
      data: {
        orderId,
        contentHash,
        status,
        order: newOrder({ orderId }),
        policy: {},
        dispatchBy: new Date(),
        ...(status === 'dispatched' && dispatched),
      },
    });
  };
  const insertDispatch = (orderId: string, status: 'live' | 'withdrawn', courierId = 'courier-1') =>
    dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'hash', courierId, status },
    });
  const startWorkflow = (workflowId: string, type: string) =>
    temporal.workflow.start(type, { workflowId, taskQueue: TASK_QUEUES.main, args: [] });

  /** The runs of `reconcileOrder` for an order, with what they were started with. */
  const reconciliations = async (orderId: string) => {
    const inputs = [];
    const query = `WorkflowId = '${reconcileOrderWorkflowId(orderId)}'`;
    for await (const { workflowId, runId, type, taskQueue } of temporal.workflow.list({ query })) {
      const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
      const input = JSON.parse(Buffer.from(payload?.data ?? '{}').toString()) as unknown;
      inputs.push({ type, taskQueue, input });
    }
    return inputs;
  };
  const reconciliation = (orderId: string) =>
    eventually(async () => (await reconciliations(orderId))[0], {
      what: `a reconciliation of ${orderId}`,
    });
  const expectLeft = async (expected: number): Promise<void> => {
    const channel = await broker.createChannel();
    const count = async () => (await channel.checkQueue(QUEUES.supplementRequests)).messageCount;
    // The broker counts a moment later.
    await eventually(async () => (await count()) === expected, {
      what: `${expected} messages in the queue`,
    });
    await channel.close();
  };
  /** Waits until all that was published has been looked at; a suspect at the end says so in Temporal, too. */
  const settled = async (close: () => Promise<unknown>): Promise<void> => {
    const last = newId();
    await publish(copyOf(last));
    await reconciliation(last);
    await eventually(async () => (await doneWith()) >= published, {
      what: `the end of ${published} messages`,
    });
    await close();
    await expectLeft(0);
  };
  const lookAtAll = async (): Promise<void> => {
    const system = await start();
    await settled(system.close);
  };

  /** Around what reads the view. */
  const TRANSACTION = /^(BEGIN|SET TRANSACTION READ ONLY|COMMIT)$/;

  test('10,000 orders that are in order cost no workflow and few queries', async () => {
    const count = 10_000;
    await orders.$executeRaw`
      INSERT INTO orders (order_id, content_hash, "order", policy, status, dispatch_by, courier_id, dispatched_by)
      SELECT 'bulk-' || i, 'hash', '{}', '{}', CASE WHEN i % 2 = 0 THEN 'dispatched' ELSE 'cancelled' END,
        now(), 'courier-1', 'acknowledgement'
      FROM generate_series(1, ${count}::int) AS i`;
    await dispatches.$executeRaw`
      INSERT INTO dispatches (order_id, request_id, content_hash, courier_id, status)
      SELECT 'bulk-' || i, 'bulk-' || i || '.1', 'hash', 'courier-1',
        CASE WHEN i % 2 = 0 THEN 'live' ELSE 'withdrawn' END
      FROM generate_series(1, ${count}::int) AS i`;
    for (let first = 1; first <= count; first += 500) {
      const ids = Array.from({ length: 500 }, (_, index) => `bulk-${first + index}`);
      await Promise.all(ids.map((orderId) => publish(copyOf(orderId))));
    }
    const before = await temporal.workflow.count();
    // Before the start, so that it misses none.
    const queries = jest.spyOn(Postgres.prototype, 'query');
    const system = await start({ graceMs: 1_000 });
    await settled(system.close);
    const texts = queries.mock.calls.map(([asked]) => (asked as unknown as { text: string }).text);
    const reads = texts.filter((text) => !TRANSACTION.test(text));
    // Of full batches it is 40; a batch that does not fill goes after a moment, however slow the machine.
    expect(reads.length).toBeLessThan(count / 10);
    // Twenty batches at least: they were really read.
    expect(reads.length).toBeGreaterThanOrEqual(40);
    queries.mockRestore();
    // The one that says that all have been looked at.
    expect((await temporal.workflow.count()).count - before.count).toBe(1);
  });

  test('an order that is lost is reconciled once, however many messages mention it', async () => {
    const orderId = newId();
    const second = copyOf(orderId, { number: 2 });
    await publish(copyOf(orderId));
    await publish(second);
    await publish(copyOf(orderId, { number: 3, appId: 'stranger' }));
    await publish(withdrawalMessage({ requestId: `${orderId}.withdrawal`, orderId }, undefined));
    await lookAtAll();
    const { order } = JSON.parse(second.content.toString()) as { order: unknown };
    expect(await reconciliations(orderId)).toEqual([
      {
        type: WORKFLOW_TYPES.reconcileOrder,
        taskQueue: TASK_QUEUES.main,
        input: {
          orderId,
          trigger: 'request',
          provenance: `${orderId}.2`,
          copy: { order, contentHash: 'hash', requestNumber: 2, isOurs: true },
        },
      },
    ]);
  });

  test('whatever the two databases disagree about is a suspect', async () => {
    const lost = newId();
    const [waiting, cancelling, cancelled, gone, other, changed, second, unknown] = Array.from(
      { length: 8 },
      newId,
    ) as [string, string, string, string, string, string, string, string];
    await insertOrder(waiting, { status: 'placed' });
    await insertOrder(cancelling, { status: 'cancelling' });
    await insertOrder(cancelled, { status: 'cancelled' });
    await insertDispatch(cancelled, 'live');
    await insertOrder(gone);
    await insertDispatch(gone, 'withdrawn');
    await insertOrder(other, { courierId: 'courier-2' });
    await insertDispatch(other, 'live');
    await insertOrder(changed, { contentHash: 'another hash' });
    await insertDispatch(changed, 'live');
    await insertOrder(second, { dispatchedBy: 'person', courierId: 'courier-2' });
    await insertDispatch(second, 'live');
    await insertDispatch(unknown, 'live');
    await publish(copyOf(lost, { appId: 'stranger' }));
    for (const orderId of [waiting, cancelling, cancelled, gone, other, changed, second]) {
      await publish(copyOf(orderId));
    }
    const withdrawal = { requestId: `${unknown}.withdrawal`, orderId: unknown };
    await publish(withdrawalMessage(withdrawal, undefined));
    await lookAtAll();
    for (const orderId of [waiting, cancelling, cancelled, gone, other, changed, second]) {
      expect(await reconciliations(orderId)).toHaveLength(1);
    }
    // A stranger's copy says that it is one: nothing is placed again from it.
    expect(await reconciliations(lost)).toMatchObject([{ input: { copy: { isOurs: false } } }]);
    const [withoutCopy] = await reconciliations(unknown);
    expect(withoutCopy?.input).toEqual({
      orderId: unknown,
      trigger: 'request',
      provenance: `${unknown}.withdrawal`,
    });
  });

  test('an order whose workflow runs is left alone, and so is one that a person’s courier delivers', async () => {
    const [waiting, cancelling, marked] = [newId(), newId(), newId()] as const;
    await insertOrder(waiting, { status: 'placed' });
    await startWorkflow(dispatchOrderWorkflowId(waiting), WORKFLOW_TYPES.dispatchOrder);
    await insertOrder(cancelling, { status: 'cancelling' });
    await startWorkflow(cancelOrderWorkflowId(cancelling), WORKFLOW_TYPES.cancelOrder);
    await insertOrder(marked, { dispatchedBy: 'person' });
    for (const orderId of [waiting, cancelling, marked]) await publish(copyOf(orderId));
    await lookAtAll();
    for (const orderId of [waiting, cancelling, marked]) {
      expect(await reconciliations(orderId)).toEqual([]);
    }
  });

  test('what a person decided to keep does not come up again, until it changes', async () => {
    const [same, changed, overtaken] = [newId(), newId(), newId()] as const;
    const [lost, lostOfOurs] = [newId(), newId()] as const;
    const order = { status: 'dispatched', contentHash: 'hash', dispatchedBy: 'acknowledgement' };
    const dispatch = { status: 'none' };
    const repair = { found: 'rule', before: {}, provenance: 'test' };
    const keep = (orderId: string, after: object, done = 'kept') =>
      orders.repair.create({ data: { ...repair, orderId, done, after, runId: randomUUID() } });
    for (const orderId of [same, changed, overtaken]) await insertOrder(orderId);
    const row = { order: { ...order, courierId: 'courier-1' }, dispatch };
    await keep(same, {}, 'restarted');
    await keep(same, row);
    await keep(changed, { ...row, dispatch: { status: 'withdrawn' } });
    await keep(overtaken, row);
    await keep(overtaken, row, 'restarted');
    const strangers = { dispatch, copy: { contentHash: 'hash', isOurs: false } };
    for (const orderId of [lost, lostOfOurs]) await keep(orderId, strangers);

    for (const orderId of [same, changed, overtaken, lostOfOurs]) await publish(copyOf(orderId));
    await publish(copyOf(lost, { appId: 'stranger' }));
    await lookAtAll();
    expect(await reconciliations(same)).toEqual([]);
    expect(await reconciliations(lost)).toEqual([]);
    for (const orderId of [changed, overtaken, lostOfOurs]) {
      expect(await reconciliations(orderId)).toHaveLength(1);
    }
  });

  test('a message that cannot be read is dead-lettered with its reason, and holds up no other', async () => {
    const id = newId();
    const malformed: [OutgoingMessage, string][] = [
      [
        { ...copyOf(id), messageId: `${id}-1`, type: 'order.v9' },
        "unknown message type 'order.v9'",
      ],
      [{ ...copyOf(id), messageId: `${id}-2`, content: Buffer.from('{') }, 'the body is not JSON'],
      [
        { ...copyOf(id), messageId: `${id}-3`, content: Buffer.from('{"orderId":"x"}') },
        'body.requestId: is missing',
      ],
      [{ ...copyOf('a\0b'), messageId: `${id}-4` }, 'body.orderId: must be 1-64 characters'],
    ];
    for (const [message] of malformed) await publish(message);
    await lookAtAll();
    await start();
    for (const [{ messageId }, reason] of malformed) {
      const row = await eventually(() =>
        orders.deadLetter.findFirst({ where: { messageId } }).then((found) => found ?? undefined),
      );
      expect(row.sourceQueue).toBe(QUEUES.supplementRequests);
      expect(row.deadLetterReason).toContain(`MalformedMessage: ${reason}`);
    }
  });

  test('while the view is taken away all messages are held, and none is given up', async () => {
    const orderId = newId();
    const system = await start();
    await dispatches.$executeRaw`ALTER VIEW order_dispatch_dispatches_v1 RENAME TO away`;
    try {
      await publish(copyOf(orderId));
      await eventually(() => !system.ready(), { what: 'a pause' });
    } finally {
      await dispatches.$executeRaw`ALTER VIEW away RENAME TO order_dispatch_dispatches_v1`;
    }
    await reconciliation(orderId);
    await settled(system.close);
    expect(await orders.deadLetter.count({ where: { orderId } })).toBe(0);
  });

  test('a copy with fields of a later version is carried as it came', async () => {
    const orderId = newId();
    const message = copyOf(orderId);
    const body = JSON.parse(message.content.toString()) as { order: object };
    const order = { ...body.order, giftWrap: { colour: 'red' } };
    await publish({ ...message, content: Buffer.from(JSON.stringify({ ...body, order })) });
    await lookAtAll();
    expect(await reconciliations(orderId)).toMatchObject([{ input: { copy: { order } } }]);
  });

  test('nobody looks at a message younger than the grace, which the next start may shorten', async () => {
    const [young, old] = [newId(), newId()] as const;
    const system = await startAsProcess('900000');
    await publish(copyOf(young));
    await publish(copyOf(old, { timestamp: Date.now() - 3_600_000 }));
    await reconciliation(old);
    expect(await reconciliations(young)).toEqual([]);
    // It does not wait for the grace: the message goes back.
    system.kill('SIGTERM');
    expect(await system.exited).toEqual({ code: 0, signal: null });
    await expectLeft(1);

    const shorter = await startAsProcess('10');
    await reconciliation(young);
    shorter.kill('SIGTERM');
    expect(await shorter.exited).toEqual({ code: 0, signal: null });
    await expectLeft(0);
    // Both were done with elsewhere.
    published -= 2;
  });

  test('a clock that is ahead, or a message without a time, costs no more than the grace', async () => {
    const [ahead, timeless] = [newId(), newId()] as const;
    await publish(copyOf(ahead, { timestamp: Date.now() + 3_600_000 }));
    await publish(copyOf(timeless, { timestamp: 0 }));
    await start({ graceMs: 300 });
    await reconciliation(ahead);
    await reconciliation(timeless);
  });

  test('any database that offers the view will do: it is only read, and a row that breaks the contract is for a person', async () => {
    const { postgresUrl } = surroundings.stack;
    const name = `test-${randomUUID().slice(0, 8)}-fleet`;
    const url = await createDatabase(postgresUrl, name);
    const [delivered, gone, odd] = [newId(), newId(), newId()] as const;
    await withConnection(url, async (fleet) => {
      await fleet.query(`
        CREATE TABLE trips (id uuid DEFAULT gen_random_uuid(), ref text, rider int, state int, at timestamptz);
        INSERT INTO trips (ref, rider, state, at) VALUES
          ('${delivered}', 1, 0, '2026-01-03'), ('${delivered}', 2, 1, '2026-01-01'),
          ('${gone}', 2, 0, '2026-01-01'), ('${odd}', 2, 7, '2026-01-01');
        CREATE VIEW order_dispatch_dispatches_v1 AS
          SELECT ref AS order_id, id AS request_id, rider AS courier_id, at AS updated_at,
            CASE state WHEN 1 THEN 'live' WHEN 0 THEN 'withdrawn' ELSE 'lunch' END AS status
          FROM trips`);
      for (const orderId of [delivered, gone, odd]) {
        await insertOrder(orderId, { courierId: '2' });
        await publish(copyOf(orderId));
      }
      const system = await start({ dispatchDatabaseUrl: url });
      const deadLetter = await eventually(
        async () => (await orders.deadLetter.findFirst({ where: { orderId: odd } })) ?? undefined,
      );
      expect(deadLetter.deadLetterReason).toMatch(/^BrokenDispatchView: .* has the status 'lunch'/);
      await settled(system.close);
      // Of two trips the live one counts, though it is not the newest.
      expect(await reconciliations(delivered)).toEqual([]);
      expect(await reconciliations(gone)).toHaveLength(1);

      const view = openDispatchView({ url });
      await fleet.query(`
        CREATE FUNCTION meddle() RETURNS text LANGUAGE sql AS 'DELETE FROM trips RETURNING ''live''';
        CREATE OR REPLACE VIEW order_dispatch_dispatches_v1 AS
          SELECT ref AS order_id, id AS request_id, rider AS courier_id, at AS updated_at,
            meddle() AS status
          FROM trips`);
      await expect(findDispatchRows(view, [delivered])).rejects.toThrow(/read-only/);
      await view.close();
    }).finally(() => dropDatabase(postgresUrl, name));
  });

  test('what is missing at the start is named in one line, and how to mend it', async () => {
    const bare = databaseUrl(surroundings.stack.postgresUrl, 'postgres');
    const expected: [Record<string, string>, RegExp][] = [
      [
        { DISPATCH_DATABASE_URL: bare },
        /^supplement: the dispatch database does not offer the view order_dispatch_dispatches_v1 \(relation .* does not exist\): create it with .*\n$/,
      ],
      [{ ORDERS_DATABASE_URL: bare }, /^supplement: the order database lacks .*setup migrate`\n$/],
      [
        { DISPATCH_DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/x' },
        /^supplement: the dispatch database at 127\.0\.0\.1:1\/x cannot be reached: .*\n$/,
      ],
      [
        { TEMPORAL_ADDRESS: '127.0.0.1:1' },
        /^supplement: Temporal cannot be reached at 127\.0\.0\.1:1: .*\n$/,
      ],
      [
        { TEMPORAL_NAMESPACE: 'nowhere' },
        /^supplement: Temporal's namespace nowhere cannot be used: .*not found.*\n$/,
      ],
      [{ SUPPLEMENT_GRACE_MS: '1h' }, /^supplement: SUPPLEMENT_GRACE_MS: must be a whole number/],
      [{ SUPPLEMENT_GRACE_MS: '3600000' }, /^supplement: SUPPLEMENT_GRACE_MS: must be at most/],
    ];
    for (const [environment, output] of expected) {
      const process = startProcess('supplement', surroundings, environment);
      expect(await process.exited).toEqual({ code: 1, signal: null });
      expect(process.output()).toMatch(output);
    }
  });
});

describe('the supplement system beside a worker', () => {
  let bed: TestBed;
  let connection: NativeConnection;
  let system: SupplementSystem | undefined;

  beforeAll(async () => {
    bed = await setup();
    connection = await NativeConnection.connect({ address: bed.stack.temporalAddress });
  });
  afterAll(async () => {
    await system?.close();
    await connection.close();
    await bed.close();
  });

  test('an order row that is lost after its request went out comes back and is dispatched, once', async () => {
    const handle = await bed.client.placeOrder(newOrder());
    const before = await handle.result();
    const { orderId } = handle;
    const row = await bed.orders.order.delete({ where: { orderId } });
    system = await startSupplementSystem({
      ...bed,
      connection,
      graceMs: 0,
      log: silentLogger(),
    });
    const again = await eventually(
      async () => (await bed.orders.order.findUnique({ where: { orderId } })) ?? undefined,
    );
    expect(again).toMatchObject({ order: row.order, contentHash: row.contentHash });
    const { courierId } = before;
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId });
    expect(await bed.dispatches.dispatch.count({ where: { orderId } })).toBe(1);
  });
});
