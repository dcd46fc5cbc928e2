import { createHash, randomUUID } from 'node:crypto';
import { Client as Temporal } from '@temporalio/client';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { Client as Postgres } from 'pg';
import { APP_IDS, EXCHANGES, QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { MalformedMessage } from '../../domain/errors';
import { ACKNOWLEDGEMENT_TYPE } from '../../domain/messages/acknowledgement';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { SIGNALS, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import type { OutgoingMessage } from '../../messaging/publisher';
import { publishReceived } from '../../messaging/publish-received';
import type { StartedConsumer } from '../../messaging/start-consumer';
import { discardSettledRequests } from '../../database/orders/dead-letters';
import { discardDeadLetters, listDeadLetters, showDeadLetter } from '../../operations/dead-letters';
import { replayDeadLetters, type ReplayOptions } from '../../operations/dead-letters-replay';
import { silentLogger } from '../../runtime/logger';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { startDeadLetterDrain } from '../../supplement/dead-letter-drain';
import { patience } from '../patience';
import { createFolder, errorLine, runCli, unwrapped } from '../run-cli';
import { eventually, newOrder, openTask, requestOf, setup, type TestBed } from '../setup';

const BY_ANA = { actor: 'ana', note: 'the cause is mended' };

describe('dead letters', () => {
  let bed: TestBed;
  let drain: StartedConsumer;
  let connection: ChannelModel;
  let channel: Channel;
  beforeAll(async () => {
    // Patient: an order that is escalated was told to.
    bed = await setup({ policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 } });
    drain = await startDrain();
    connection = await connect(bed.amqpUrl);
    connection.on('error', () => {});
    channel = await connection.createChannel();
    channel.on('error', () => {});
  });
  afterAll(async () => {
    await connection.close().catch(() => {});
    await drain.close();
    await bed.close();
  });

  const startDrain = (temporal: Temporal = bed.temporal) =>
    startDeadLetterDrain({
      amqpUrl: bed.amqpUrl,
      database: bed.databases.orders,
      temporal,
      publisher: bed.publisher,
      log: silentLogger(),
      pauses: { initialMs: 50, maximumMs: 400 },
    });
  /** A message that goes straight to a queue. */
  const message = (fields: Partial<OutgoingMessage>): OutgoingMessage => ({
    exchange: '',
    routingKey: QUEUES.dispatchRequests,
    type: DISPATCH_REQUEST_TYPE,
    messageId: randomUUID(),
    appId: 'test',
    headers: {},
    content: Buffer.from('{}'),
    ...fields,
  });
  const rowsOf = (messageId: string) =>
    bed.orders.deadLetter.findMany({ where: { messageId }, orderBy: { id: 'asc' } });
  const rowOf = (messageId: string) =>
    eventually(async () => (await rowsOf(messageId))[0], { what: `dead letter ${messageId}` });
  const waitingIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  /** Waits until the drain has dealt with all that is in a queue: what it had not acked when it was closed is there again. */
  const drained = (queue: string) =>
    eventually(
      async () => {
        if ((await waitingIn(queue)) > 0) return false;
        await drain.close();
        const left = await waitingIn(queue);
        drain = await startDrain();
        return left === 0;
      },
      { what: `an empty ${queue}` },
    );
  /** Dead letters of valid requests, as their consumer writes them. */
  const deadRequests = async (count: number, deadLetterReason: string) => {
    const orders = Array.from({ length: count }, () => newOrder());
    await Promise.all(
      orders.map((order) => {
        const request = requestOf(order);
        return bed.publisher.publish({
          ...request,
          exchange: '',
          routingKey: deadLetterQueueOf(QUEUES.dispatchRequests),
          headers: {
            ...request.headers,
            deadLetterReason,
            firstFailedAt: new Date().toISOString(),
            attempts: 1,
            sourceQueue: QUEUES.dispatchRequests,
          },
        });
      }),
    );
    await eventually(
      async () => (await bed.orders.deadLetter.count({ where: { deadLetterReason } })) === count,
      { what: `${count} dead letters` },
    );
    return orders.map(({ orderId }) => orderId);
  };
  const replay = (options: Pick<ReplayOptions, 'filter'> & Partial<ReplayOptions>) =>
    replayDeadLetters({
      database: bed.databases.orders,
      amqpUrl: bed.amqpUrl,
      log: silentLogger(),
      ratePerSecond: 100,
      watchMs: 500,
      ...BY_ANA,
      ...options,
    });
  /** What the audit has about these orders. */
  const actsOn = (orderIds: string[]) =>
    bed.orders.auditEntry.findMany({
      where: { orderId: { in: orderIds } },
      select: { act: true, actor: true, via: true, note: true, facts: true },
    });
  const count = (deadLetterReason: string, state: string) =>
    bed.orders.deadLetter.count({ where: { deadLetterReason, state } });

  describe('drain', () => {
    test('a malformed request is recorded once, whole, with its reason', async () => {
      const malformed = message({
        content: Buffer.from('{"orderId":"o-1", "x":'),
        replyTo: 'order-dispatch.home.x',
        correlationId: 'c-1',
        timestamp: 1_700_000_000_000,
        headers: { traceparent: '00-a-b-01' },
      });
      await bed.publisher.publish(malformed);
      const row = await rowOf(malformed.messageId);
      expect(row).toMatchObject({
        state: 'open',
        sourceQueue: QUEUES.dispatchRequests,
        deadLetterReason: 'MalformedMessage: the body is not JSON',
        type: DISPATCH_REQUEST_TYPE,
        appId: 'test',
        orderId: null,
        attempts: 1,
        properties: {
          replyTo: 'order-dispatch.home.x',
          correlationId: 'c-1',
          timestampMs: 1_700_000_000_000,
        },
        headers: { traceparent: '00-a-b-01' },
      });
      expect(Buffer.from(row.content)).toEqual(malformed.content);
      expect(row.lastFailedAt).toEqual(row.firstFailedAt);
      // The broker may deliver it again.
      const queue = deadLetterQueueOf(QUEUES.dispatchRequests);
      await bed.publisher.publish({
        ...malformed,
        routingKey: queue,
        headers: row.headers as Record<string, unknown>,
      });
      await drained(queue);
      expect(await rowsOf(malformed.messageId)).toHaveLength(1);
    });

    test('a malformed acknowledgement, in a home queue or the shared one, is recorded for the shared one', async () => {
      await channel.purgeQueue(QUEUES.supplementRequests);
      const order = newOrder();
      await (await bed.client.placeOrder(order)).result();
      const copy = await channel.get(QUEUES.supplementRequests, { noAck: true });
      const home = String(copy && copy.properties.replyTo);
      expect(home).toMatch(/^order-dispatch\.home\./);
      for (const routingKey of [home, '']) {
        const malformed = message({
          exchange: EXCHANGES.acknowledgements,
          routingKey,
          type: ACKNOWLEDGEMENT_TYPE,
          content: Buffer.from(JSON.stringify({ orderId: order.orderId, outcome: 'accepted' })),
        });
        await bed.publisher.publish(malformed);
        expect(await rowOf(malformed.messageId)).toMatchObject({
          orderId: order.orderId,
          sourceQueue: QUEUES.acknowledgements,
          deadLetterReason: expect.stringMatching(/^MalformedMessage: body\.requestId: /),
          headers: { sourceQueue: routingKey || QUEUES.acknowledgements },
        });
      }
    });

    test('a supplement copy that the broker itself gave up on is recorded with a reason that one can read', async () => {
      const begun = Date.now();
      await channel.purgeQueue(QUEUES.supplementRequests);
      const copy = message({
        routingKey: QUEUES.supplementRequests,
        content: Buffer.from('{"orderId":"o-7"}'),
      });
      await bed.publisher.publish(copy);
      for (;;) {
        const got = await channel.get(QUEUES.supplementRequests);
        if (!got) break;
        channel.nack(got, false, true);
      }
      const row = await rowOf(copy.messageId);
      expect(row).toMatchObject({
        orderId: 'o-7',
        sourceQueue: QUEUES.supplementRequests,
        deadLetterReason: 'delivery limit reached',
      });
      // The broker tells whole seconds.
      expect(row.firstFailedAt.getTime()).toBeGreaterThan(begun - 1_000);
      expect(row.firstFailedAt.getTime()).toBeLessThanOrEqual(row.createdAt.getTime());
    });

    test('what says nothing of itself, and what no database stores, is recorded as far as that goes', async () => {
      const odd = message({
        routingKey: deadLetterQueueOf(QUEUES.acknowledgements),
        type: 'odd\0type',
        headers: { 'a\0b': 'c\0d', text: '\\u0000' },
        content: Buffer.from([0, 1, 254, 255]),
      });
      await bed.publisher.publish(odd);
      expect(await rowOf(odd.messageId)).toMatchObject({
        type: 'odd\uFFFDtype',
        headers: { 'a\uFFFDb': 'c\uFFFDd', text: '\\u0000' },
        deadLetterReason: 'no reason given',
        content: Uint8Array.from([0, 1, 254, 255]),
      });
    });

    test.each<[string, Partial<OutgoingMessage>, RegExp]>([
      [
        'more headers than it can write',
        {
          headers: { stack: `at invented.Place(${'x'.repeat(65_400)})`, traceparent: '00-a-b-01' },
        },
        /^header stack: at invented\.Place\(x+\.\.\. \(65419 characters\)$/,
      ],
      [
        'a number below the lowest integer',
        { headers: { ratio: { '!': 'double', value: -1e300 }, traceparent: '00-a-b-01' } },
        /^header ratio: -1e\+300$/,
      ],
      [
        'a time after the last one that it can write',
        { headers: { at: { '!': 'timestamp', value: 2n ** 64n - 1n }, traceparent: '00-a-b-01' } },
        /^header at: .*timestamp/,
      ],
      [
        'a table that looks like a type',
        { headers: { odd: { '!': 'object', value: { '!': 'x' } }, traceparent: '00-a-b-01' } },
        /^header odd: /,
      ],
    ])(
      'what the broker delivers and amqplib cannot write is a dead letter, described: %s',
      async (_what, fields, unwritable) => {
        const malformed = message({ content: Buffer.from('{"orderId":'), ...fields });
        await bed.publisher.publish(malformed);
        const row = await rowOf(malformed.messageId);
        expect(row).toMatchObject({
          deadLetterReason: 'MalformedMessage: the body is not JSON',
          content: Uint8Array.from(malformed.content),
          headers: {
            traceparent: '00-a-b-01',
            unwritable: expect.stringMatching(unwritable) as string,
          },
        });
      },
    );

    test('a property that amqplib cannot write is described in a header, too', async () => {
      const given = message({
        messageId: '\uFFFD'.repeat(100),
        routingKey: deadLetterQueueOf(QUEUES.acknowledgements),
        content: Buffer.from(randomUUID()),
      });
      await publishReceived(bed.publisher, given);
      const { content } = given;
      const rows = () =>
        bed.orders.deadLetter.findMany({ where: { content: Uint8Array.from(content) } });
      const [row] = await eventually(async () => {
        const found = await rows();
        return found.length > 0 && found;
      });
      expect(row).toMatchObject({
        messageId: '',
        headers: { unwritable: `property messageId: ${given.messageId}` },
      });
    });

    test('of one that is larger than PostgreSQL soon takes the head, the size and the hash are recorded, and the others pass', async () => {
      const large = message({
        routingKey: deadLetterQueueOf(QUEUES.supplementRequests),
        content: Buffer.alloc(20_000_000, '{"orderId":"o-1"}'),
      });
      const other = message({ routingKey: large.routingKey });
      await bed.publisher.publish(large);
      await bed.publisher.publish(other);
      const { id, ...row } = await rowOf(large.messageId);
      expect(row).toMatchObject({
        content: Uint8Array.from(large.content.subarray(0, 65_536)),
        properties: {
          original: {
            bytes: 20_000_000,
            sha256: createHash('sha256').update(large.content).digest('hex'),
          },
        },
      });
      await rowOf(other.messageId);
      // The head alone is not sent back: not among many, and asked for by its ID with the reason.
      const { sourceQueue } = row;
      const many = await replay({ filter: { sourceQueue }, dryRun: true });
      const open = await bed.orders.deadLetter.count({ where: { sourceQueue, state: 'open' } });
      expect(many.matched).toBe(open - 1);
      expect(await replay({ filter: { ids: [String(id)] }, canary: 0 })).toMatchObject({
        replayed: [],
        stopped: {
          because: 'publishRefused',
          detail: expect.stringContaining('only the first 65536 of 20000000 bytes') as string,
        },
      });
    });

    test('a drain that ends before its commit has acked nothing: the next one records what it was at', async () => {
      const dead = message({ routingKey: deadLetterQueueOf(QUEUES.acknowledgements) });
      const other = new Postgres({ connectionString: bed.ordersDatabaseUrl });
      await other.connect();
      // By another connection: within its transaction, one sees the others as at its first look.
      const inserts = (what: string) =>
        bed.orders.$queryRawUnsafe<unknown[]>(
          `SELECT ${what} FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO%dead_letters%'`,
        );
      try {
        await other.query('BEGIN');
        await other.query('LOCK TABLE dead_letters IN SHARE MODE');
        await bed.publisher.publish(dead);
        await eventually(async () => (await inserts('pid')).length > 0);
        const closed = drain.close();
        await inserts('pg_terminate_backend(pid)');
        await closed;
        expect(await rowsOf(dead.messageId)).toEqual([]);
      } finally {
        await other.end();
      }
      drain = await startDrain();
      await rowOf(dead.messageId);
    });

    test('a drain that ends between its commit and its ack records nothing twice, and tells the workflow when it is back', async () => {
      const order = newOrder();
      bed.script(order.orderId, () => ({ kind: 'staySilent' }));
      const handle = await bed.client.placeOrder(order);
      await drain.close();
      // The workflow cannot be told there: the drain gets no further than its commit.
      const { connection } = bed.temporal;
      drain = await startDrain(new Temporal({ connection, namespace: 'not-there' }));
      const messageId = `${order.orderId}.1`;
      await bed.publisher.publish(message({ messageId, appId: 'order-dispatch' }));
      // By its message ID: the body does not say it.
      expect(await rowOf(messageId)).toMatchObject({ orderId: order.orderId });
      await eventually(() => !drain.ready());
      await drain.close();
      const queue = deadLetterQueueOf(QUEUES.dispatchRequests);
      await eventually(async () => (await waitingIn(queue)) === 1);
      drain = await startDrain();
      const { humanTask } = await openTask(handle);
      expect(humanTask).toMatchObject({ escalationReason: 'requestDeadLettered' });
      await drained(queue);
      expect(await rowsOf(messageId)).toHaveLength(1);
    });
  });

  test('the dead letter of a request is discarded once its order has ended otherwise, and not before', async () => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, () => {
      throw new Error('no map of the town');
    });
    const handle = await bed.client.placeOrder(order);
    await rowOf(`${orderId}.1`);
    await openTask(handle);
    await discardSettledRequests(bed.databases.orders);
    expect(await rowOf(`${orderId}.1`)).toMatchObject({ state: 'open' });

    await bed.acknowledge({ requestId: `${orderId}.1`, outcome: 'accepted', courierId: 'bike-7' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    await discardSettledRequests(bed.databases.orders);
    expect(await rowOf(`${orderId}.1`)).toMatchObject({
      state: 'discarded',
      decidedBy: 'order-dispatch',
      decisionNote: 'the order ended dispatched: there is nothing left to ask',
    });
  });

  test('a dead-lettered request escalates its order at once; replayed when the cause is mended, the order goes on', async () => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, () => {
      throw new Error('no map of the town');
    });
    const handle = await bed.client.placeOrder(order);
    const row = await rowOf(`${orderId}.1`);
    expect(row).toMatchObject({ orderId, deadLetterReason: 'Error', attempts: 5 });
    const { humanTask } = await openTask(handle);
    expect(humanTask).toMatchObject({ escalationReason: 'requestDeadLettered' });

    bed.script(orderId, () => ({ kind: 'accept', courierId: 'courier-4' }));
    const report = await replay({ filter: { orderId } });
    expect(report).toEqual({ dryRun: false, matched: 1, replayed: [String(row.id)], cameBack: [] });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-4' });
    expect(await rowsOf(`${orderId}.1`)).toMatchObject([
      {
        state: 'replayed',
        decidedBy: 'ana',
        decisionNote: 'the cause is mended',
        decidedAt: expect.any(Date),
      },
    ]);
  });

  test('the dead letter of a request that a retry has moved on from, or of a stranger’s, escalates nothing', async () => {
    const order = newOrder();
    const { orderId } = order;
    bed.script(orderId, ({ kind }) => ({ kind: kind === 'request' ? 'staySilent' : 'withdraw' }));
    const handle = await bed.client.placeOrder(order);
    const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
    const queue = deadLetterQueueOf(QUEUES.dispatchRequests);
    const die = (fields: Partial<OutgoingMessage>) =>
      bed.publisher.publish(
        message({
          routingKey: queue,
          appId: APP_IDS.orderDispatch,
          content: Buffer.from(JSON.stringify({ orderId })),
          headers: { deadLetterReason: 'by a test', firstFailedAt: new Date().toISOString() },
          ...fields,
        }),
      );
    const signalled = async () => {
      const { events = [] } = await workflow.fetchHistory();
      return (events ?? []).filter(
        ({ workflowExecutionSignaledEventAttributes: signal }) =>
          signal?.signalName === SIGNALS.requestDeadLettered,
      ).length;
    };
    const rowOfOrder = () => bed.orders.order.findUniqueOrThrow({ where: { orderId } });
    await eventually(async () => (await rowOfOrder()).attempts === 1);
    await die({ messageId: `${orderId}.1` });
    await openTask(handle);
    await handle.resolve({ decision: 'retry', ...BY_ANA });

    // The workflow hears of these, and knows that they are not about what it waits for now.
    await die({ messageId: `${orderId}.1` });
    await eventually(async () => (await signalled()) === 2);
    await die({ messageId: `${newOrder().orderId}.2` });
    await eventually(async () => (await signalled()) === 3);
    // It does not hear of what others publish, or of what names an order that nobody knows.
    await die({ messageId: `${orderId}.2`, appId: 'somebody-else' });
    await die({
      messageId: `${orderId}.2`,
      content: Buffer.from(JSON.stringify({ orderId: newOrder().orderId })),
    });
    await drained(queue);
    expect(await signalled()).toBe(3);
    expect(await handle.status()).toMatchObject({ status: 'placed' });
    expect(await rowOfOrder()).toMatchObject({
      status: 'placed',
      requestNumber: 2,
      escalationReason: null,
    });

    // The same for the request that it waits for is another matter.
    await die({ messageId: `${orderId}.2` });
    expect((await openTask(handle)).humanTask).toMatchObject({
      escalationReason: 'requestDeadLettered',
    });
    await handle.cancel(BY_ANA);
  });

  test('a list counts by reason and queue first, and shows no content', async () => {
    const [often, once] = [`often-${randomUUID()}`, `once-${randomUUID()}`];
    const [first] = await deadRequests(3, often);
    await deadRequests(1, once);
    const { matched, groups, rows } = await listDeadLetters({
      database: bed.databases.orders,
      filter: { state: 'open' },
      limit: 2,
    });
    expect(matched).toBe(await bed.orders.deadLetter.count({ where: { state: 'open' } }));
    expect(groups.map((group) => group.count)).toEqual(
      groups.map((group) => group.count).sort((left, right) => right - left),
    );
    expect(groups.find((group) => group.deadLetterReason === often)).toEqual({
      deadLetterReason: often,
      sourceQueue: QUEUES.dispatchRequests,
      count: 3,
      firstFailedAt: expect.any(Date),
      lastFailedAt: expect.any(Date),
    });
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toMatch(/content|Sampleton/);

    const matching = async (filter: Parameters<typeof replay>[0]['filter']) =>
      (await listDeadLetters({ database: bed.databases.orders, filter })).matched;
    expect(await matching({ deadLetterReason: often.toUpperCase() })).toBe(3);
    expect(await matching({ deadLetterReason: 'o%n' })).toBe(0);
    expect(await matching({ orderId: first ?? '' })).toBe(1);
    expect(await matching({ deadLetterReason: once, since: new Date(Date.now() + 1_000) })).toBe(0);
    expect(await matching({ deadLetterReason: once, sourceQueue: QUEUES.acknowledgements })).toBe(
      0,
    );
  });

  test('a dry run changes nothing', async () => {
    const reason = `dry-${randomUUID()}`;
    await deadRequests(2, reason);
    const before = await bed.orders.deadLetter.findMany({ where: { deadLetterReason: reason } });
    const filter = { deadLetterReason: reason };
    expect(await replay({ filter, dryRun: true })).toMatchObject({ matched: 2, replayed: [] });
    const discarded = { database: bed.databases.orders, filter, ...BY_ANA, dryRun: true };
    expect(await discardDeadLetters(discarded)).toMatchObject({ matched: 2, discarded: 0 });
    expect(await bed.orders.deadLetter.findMany({ where: { deadLetterReason: reason } })).toEqual(
      before,
    );
  });

  test('a canary that fails stops the rest, which stays open', async () => {
    const type = `dispatch.request.v${Date.now()}`;
    const malformed = Array.from({ length: 6 }, () => message({ type }));
    for (const each of malformed) await bed.publisher.publish(each);
    const reason = `MalformedMessage: unknown message type '${type}'`;
    await eventually(async () => (await count(reason, 'open')) === 6);
    const report = await replay({
      filter: { deadLetterReason: reason },
      canary: 2,
      watchMs: patience(6_000),
    });
    expect(report.stopped).toEqual({
      because: 'canaryFailed',
      detail: expect.stringMatching(/^canary \d+ is a dead letter again, as \d+ \(Malformed/),
    });
    expect(report.replayed).toHaveLength(2);
    expect(report.cameBack.length).toBeGreaterThan(0);
    expect(await count(reason, 'replayed')).toBe(2);
    // Those that were not touched, and the canaries' new ones.
    await eventually(async () => (await count(reason, 'open')) === 6);
  });

  test('a canary that comes back while the rest goes out stops it there', async () => {
    const reason = `late-${randomUUID()}`;
    await deadRequests(5, reason);
    const [canary] = await bed.orders.deadLetter.findMany({
      where: { deadLetterReason: reason },
      orderBy: { id: 'asc' },
    });
    let fail = () => {};
    const mayFail = new Promise<void>((resolve) => (fail = resolve));
    bed.script(canary?.orderId ?? '', async () => {
      await mayFail;
      throw new MalformedMessage('there is no such street');
    });
    // The broker is away for the replay alone while the canary fails.
    const proxy = await startProxy(bed.amqpUrl);
    let isHeld = false;
    const replaying = replay({
      ...{ filter: { deadLetterReason: reason }, amqpUrl: proxy.url, canary: 1 },
      ...{ watchMs: 0, brokerWaitMs: 600_000 },
      onProgress: (progress) => {
        if (progress.kind === 'replayed' && progress.replayed === 2) proxy.cut();
        isHeld ||= progress.kind === 'waiting';
      },
    });
    await eventually(() => isHeld, { what: 'a replay that is held' });
    fail();
    await eventually(async () => (await rowsOf(canary?.messageId ?? '')).length === 2);
    proxy.mend();
    const report = await replaying;
    await proxy.close();
    expect(report).toMatchObject({
      matched: 5,
      stopped: { because: 'canaryFailed' },
      cameBack: [{ id: String(canary?.id) }],
    });
    // The canary, the one before the hold and the one that was held.
    expect(report.replayed).toHaveLength(3);
    expect(await count(reason, 'replayed')).toBe(3);
    expect(await count(reason, 'open')).toBe(2);
  });

  test('a canary without anybody who would handle it is not sent', async () => {
    // No supplement system runs here.
    const reason = `nobody-${randomUUID()}`;
    const dead = message({
      routingKey: deadLetterQueueOf(QUEUES.supplementRequests),
      headers: { deadLetterReason: reason, sourceQueue: QUEUES.supplementRequests },
    });
    await bed.publisher.publish(dead);
    await rowOf(dead.messageId);
    const waiting = await waitingIn(QUEUES.supplementRequests);
    const report = await replay({ filter: { deadLetterReason: reason } });
    expect(report).toMatchObject({
      matched: 1,
      replayed: [],
      stopped: { because: 'noConsumer', detail: expect.stringContaining('supplement.requests') },
    });
    expect(await count(reason, 'open')).toBe(1);
    expect(await waitingIn(QUEUES.supplementRequests)).toBe(waiting);
  });

  test('a discard needs an actor and a note, and is written into the row', async () => {
    const reason = `discard-${randomUUID()}`;
    const [orderId] = await deadRequests(2, reason);
    const [first] = await bed.orders.deadLetter.findMany({ where: { orderId: orderId ?? '' } });
    const id = String(first?.id);
    const given = { database: bed.databases.orders, filter: { ids: [id] } };
    await expect(discardDeadLetters({ ...given, actor: ' ', note: 'why' })).rejects.toThrow(
      'act.actor',
    );
    await expect(discardDeadLetters({ ...given, actor: 'ana', note: '' })).rejects.toThrow(
      'act.note',
    );
    await expect(replay({ filter: { ids: [id] }, note: ' ' })).rejects.toThrow('act.note');
    expect(await count(reason, 'open')).toBe(2);
    expect(
      await discardDeadLetters({ ...given, actor: 'ana', note: 'a test', via: 'web' }),
    ).toEqual({
      dryRun: false,
      matched: 1,
      discarded: 1,
    });
    expect(await showDeadLetter({ database: bed.databases.orders, id })).toMatchObject({
      state: 'discarded',
      decidedBy: 'ana',
      decisionNote: 'a test',
    });
    // What is decided is decided.
    expect(await discardDeadLetters({ ...given, ...BY_ANA })).toMatchObject({ discarded: 0 });
    expect(await replay({ filter: { ids: [id] } })).toMatchObject({ matched: 0, replayed: [] });
    expect(await count(reason, 'open')).toBe(1);
    expect(await actsOn([orderId ?? ''])).toEqual([
      { act: 'discard', actor: 'ana', via: 'web', note: 'a test', facts: { deadLetterId: id } },
    ]);
  });

  test('two replays at once send nothing twice', async () => {
    const reason = `twice-${randomUUID()}`;
    const orderIds = await deadRequests(10, reason);
    const options = { filter: { deadLetterReason: reason }, canary: 0 };
    const reports = await Promise.all([replay(options), replay(options)]);
    const replayed = reports.flatMap((report) => report.replayed);
    expect(new Set(replayed).size).toBe(10);
    expect(replayed).toHaveLength(10);
    await allDispatched(orderIds);
    const acts = await actsOn(orderIds);
    expect(acts.map(({ act }) => act)).toEqual(Array(10).fill('replay'));
    expect(
      new Set(acts.map(({ facts }) => (facts as { deadLetterId: string }).deadLetterId)),
    ).toEqual(new Set(replayed));
  });

  test('a replay that loses the broker marks none that was not confirmed; repeated, it loses none', async () => {
    const reason = `outage-${randomUUID()}`;
    const orderIds = await deadRequests(10, reason);
    const proxy = await startProxy(bed.amqpUrl);
    const seen = new Set<string>();
    /** Loses the broker after the third message of a replay, once the fourth is handled, and before its confirm. */
    const interrupted = async (brokerWaitMs: number, handled: number) => {
      const loseBroker = async () => {
        proxy.hold();
        await eventually(async () => (await dispatched(orderIds)) === handled);
        proxy.cut();
        if (brokerWaitMs === 0) return;
        await eventually(() => seen.has('waiting'), { what: 'a replay that waits' });
        proxy.mend();
      };
      let losing: Promise<void> | undefined;
      const report = await replay({
        filter: { deadLetterReason: reason },
        amqpUrl: proxy.url,
        canary: 0,
        brokerWaitMs,
        onProgress: (progress) => {
          seen.add(progress.kind);
          if (progress.kind === 'replayed' && progress.replayed === 3) losing = loseBroker();
        },
      });
      await losing;
      return report;
    };
    const first = await interrupted(0, 4);
    expect(first.stopped).toMatchObject({ because: 'brokerUnavailable' });
    expect(first.replayed).toHaveLength(3);
    expect(await count(reason, 'replayed')).toBe(3);
    proxy.mend();

    const second = await interrupted(patience(6_000), 7);
    expect(second).toMatchObject({ matched: 7 });
    expect(second.stopped).toBeUndefined();
    expect(second.replayed).toHaveLength(7);
    expect(await count(reason, 'open')).toBe(0);
    await allDispatched(orderIds);
    await proxy.close();
  });

  const dispatched = (orderIds: string[]) =>
    bed.dispatches.dispatch.count({ where: { orderId: { in: orderIds }, status: 'live' } });
  const allDispatched = (orderIds: string[]) =>
    eventually(async () => (await dispatched(orderIds)) === orderIds.length, {
      what: `${orderIds.length} dispatches`,
    });

  describe('command line', () => {
    let folder: Awaited<ReturnType<typeof createFolder>>;
    beforeAll(async () => void (folder = await createFolder()));
    afterAll(() => folder.remove());

    const cli = (args: string[], environment: Record<string, string> = {}) =>
      runCli(['dead-letters', ...args, '--from', 'environment'], {
        directory: folder.path,
        environment: {
          ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
          AMQP_URL: bed.amqpUrl,
          ...environment,
        },
      });
    const by = ['--actor', 'ana', '--note', 'she said so'];

    test('one whose timestamp is in microseconds is shown', async () => {
      const odd = message({
        routingKey: deadLetterQueueOf(QUEUES.acknowledgements),
        timestamp: 1_700_000_000_000_000_000,
      });
      await bed.publisher.publish(odd);
      const { id } = await rowOf(odd.messageId);
      const shown = await cli(['show', String(id)]);
      expect(shown).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('error') });
      expect(unwrapped(shown.stdout)).toContain('1700000000000000 (no time in seconds)');
    });

    test('list, show, replay and discard: a round trip', async () => {
      const reason = `cli-${randomUUID()}`;
      const orderIds = await deadRequests(3, reason);
      const listed = await cli(['list', '--reason', reason]);
      expect(listed).toMatchObject({ exitCode: 0 });
      expect(listed.stdout).toMatch(new RegExp(`^│ ${reason} +│\n│ 3 +│ dispatch\\.requests`, 'm'));
      expect(listed.stdout).toContain(orderIds[2]);
      const json = await cli(['list', '--reason', reason, '--json']);
      const rows = JSON.parse(json.stdout) as { id: string; orderId: string }[];
      const [first = '', second = '', third = ''] = rows.map(({ id }) => id);

      const shown = await cli(['show', first]);
      expect(shown).toMatchObject({ exitCode: 0 });
      expect(shown.stdout).toMatch(new RegExp(`^dead-letter reason +${reason}$`, 'm'));
      expect(unwrapped(shown.stdout)).toContain(`dead-letters replay ${first} --actor`);
      expect(shown.stdout).not.toContain('Sampleton');
      expect((await cli(['show', first, '--content'])).stdout).toContain('Sampleton');

      const dry = await cli(['replay', '--reason', reason, '--dry-run', ...by]);
      expect(dry).toMatchObject({ exitCode: 0, stdout: 'would replay 3; nothing was changed\n' });
      const replayed = await cli(['replay', first, second, '--watch', '1', ...by]);
      expect(replayed).toMatchObject({ exitCode: 0, stdout: 'replayed 2 of 2\n' });
      expect(replayed.stderr).toMatch(/replayed 1 of 2\n.*replayed 2 of 2\nwatching 2 canaries/);
      expect(replayed.stderr).not.toContain('password');
      await allDispatched(rows.slice(0, 2).map(({ orderId }) => orderId));

      const discarded = await cli(['discard', '--reason', reason, ...by]);
      expect(discarded).toMatchObject({ exitCode: 0, stdout: 'discarded 1\n' });
      const gone = await cli(['show', third, '--json']);
      expect(JSON.parse(gone.stdout)).toMatchObject({ state: 'discarded', decidedBy: 'ana' });
      // It is not open any more.
      expect(await cli(['replay', third, ...by])).toMatchObject({ exitCode: 1 });
    });

    test.each<[string, string[], RegExp]>([
      ['no ID and no filter', ['replay', ...by], /^error: say which dead letters/],
      ['no actor', ['discard', '1', '--note', 'n'], /'--actor <name>' not specified/],
      ['an empty note', ['discard', '1', '--actor', 'a', '--note', ' '], /^error: --note: /],
      [
        'an ID that is none',
        ['show', 'o-1'],
        /^error: ID: must be a number of `dead-letters list`$/,
      ],
      ['a rate of nothing', ['replay', '--all', '--rate', '0', ...by], /^error: --rate: must be a/],
      ['a queue that is none', ['list', '--queue', 'x'], /Allowed choices are dispatch\.requests/],
      [
        'a time that is none',
        ['list', '--since', 'noon'],
        /^error: --since: must be 30m, 24h, 7d or like/,
      ],
    ])('%s exits with 2 and says what is wrong', async (_what, args, said) => {
      const result = await cli(args);
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(errorLine(result)).toMatch(said);
    });

    test('a dead letter that is not there exits with 1, a database or a broker that is not there with 3', async () => {
      expect(await cli(['show', '999999999'])).toMatchObject({ exitCode: 1, stdout: '' });
      const ORDERS_DATABASE_URL = 'postgresql://u:SECRET@127.0.0.1:1/orders';
      const noDatabase = await cli(['list'], { ORDERS_DATABASE_URL });
      expect(noDatabase).toMatchObject({ exitCode: 3, stdout: '' });
      expect(errorLine(noDatabase)).toMatch(
        /^error: DatabaseUnavailable: .*127\.0\.0\.1:1\/orders .*safe to repeat$/,
      );
      await deadRequests(1, `nowhere-${randomUUID()}`);
      const noBroker = await cli(['replay', '--reason', 'nowhere', ...by], {
        AMQP_URL: 'amqp://u:SECRET@127.0.0.1:1',
      });
      expect(noBroker.exitCode).toBe(3);
      expect(noBroker.stdout).toMatch(/^replayed 0 of 1\nstopped \(brokerUnavailable\): /);
      expect(noDatabase.stderr + noBroker.stdout + noBroker.stderr).not.toContain('SECRET');
    });
  });
});
