import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { randomUUID } from 'node:crypto';
import type { OrderHandle, PolicyOverrides } from '../../client';
import { EXCHANGES, QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { BrokerUnavailable, UnroutableMessage } from '../../domain/errors';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { Publisher, type OutgoingMessage } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { closeConnections } from '../../stack/servers/rabbitmqctl';
import { patience } from '../patience';
import { eventually, lockAwaited, newOrder, setup, type TestBed } from '../setup';

/** Nothing is asked again within a test. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

describe('messaging', () => {
  let bed: TestBed;
  let connection: ChannelModel;
  let channel: Channel;
  beforeAll(async () => {
    bed = await setup({ policy: PATIENT });
    connection = await connect(bed.amqpUrl);
    connection.on('error', () => {});
    channel = await connection.createChannel();
    channel.on('error', () => {});
  });
  afterAll(async () => {
    await connection.close().catch(() => {});
    await bed.close();
  });

  const message = (fields: Partial<OutgoingMessage>): OutgoingMessage => ({
    exchange: EXCHANGES.requests,
    routingKey: DISPATCH_REQUEST_TYPE,
    type: DISPATCH_REQUEST_TYPE,
    messageId: randomUUID(),
    appId: 'test',
    headers: {},
    content: Buffer.from('{}'),
    ...fields,
  });
  const waitingIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  /** Takes the dead letter with this message ID; others stay. */
  const deadLetter = (queue: string, messageId: string) =>
    eventually(
      async () => {
        const seen: GetMessage[] = [];
        try {
          for (;;) {
            const got = await channel.get(deadLetterQueueOf(queue));
            if (!got) return false;
            if (got.properties.messageId === messageId) {
              channel.ack(got);
              return got;
            }
            seen.push(got);
          }
        } finally {
          for (const other of seen) channel.nack(other, false, true);
        }
      },
      { what: `dead letter ${messageId}` },
    );

  test('an unroutable message fails its own publish, and no other', async () => {
    const unroutable = message({ routingKey: 'nobody.is.bound' });
    const results = await Promise.allSettled([
      bed.publisher.publish(message({ exchange: '', routingKey: QUEUES.supplementRequests })),
      bed.publisher.publish(unroutable),
      bed.publisher.publish(message({ exchange: '', routingKey: QUEUES.supplementRequests })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(UnroutableMessage);
  });

  test('a channel that the broker closes fails its publishes, and comes back', async () => {
    const publish = (exchange: string) =>
      bed.publisher.publish(message({ exchange, routingKey: QUEUES.supplementRequests }));
    await expect(publish('no-such-exchange')).rejects.toThrow(BrokerUnavailable);
    await eventually(() => publish('').then(() => true));
  });

  test('a binding that somebody removed comes back by itself', async () => {
    const publisher = await Publisher.open({
      url: bed.amqpUrl,
      name: 'test',
      log: silentLogger(),
      topologyIntervalMs: 50,
    });
    const { dispatchRequests, supplementRequests } = QUEUES;
    await channel.unbindQueue(dispatchRequests, EXCHANGES.requests, DISPATCH_REQUEST_TYPE);
    await channel.unbindQueue(supplementRequests, EXCHANGES.requests, DISPATCH_REQUEST_TYPE);
    // Of one that is bound the publish succeeds: each queue is asked for itself.
    const before = await waitingIn(supplementRequests);
    const probe = message({});
    await eventually(
      async () => {
        await bed.publisher.publish(probe);
        return (await waitingIn(supplementRequests)) > before;
      },
      { what: 'a copy of a request' },
    );
    await deadLetter(dispatchRequests, probe.messageId);
    await publisher.close();
  });

  test('every message carries what its contract says', async () => {
    const order = newOrder();
    const begun = Date.now();
    await (await bed.client.placeOrder(order)).result();
    const copy = await eventually(async () => {
      const got = await channel.get(QUEUES.supplementRequests, { noAck: true });
      return got && got.properties.messageId === `${order.orderId}.1` && got;
    });
    expect(copy.properties).toMatchObject({
      type: DISPATCH_REQUEST_TYPE,
      appId: 'order-dispatch',
      contentType: 'application/json',
      deliveryMode: 2,
      replyTo: expect.stringMatching(/^order-dispatch\.home\./),
      headers: { traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) },
    });
    const ended = Date.now();
    // In whole seconds.
    const publishedAt = Number(copy.properties.timestamp) * 1_000;
    expect(publishedAt).toBeGreaterThan(begun - 1_000);
    expect(publishedAt).toBeLessThanOrEqual(ended);
    const body = JSON.parse(copy.content.toString()) as Record<string, unknown>;
    expect(body).toMatchObject({ requestId: `${order.orderId}.1`, order });
    expect(JSON.stringify([copy.properties, { ...body, order: undefined }])).not.toMatch(
      /temporal|dispatch-order/i,
    );
  });

  test.each([
    ['is not JSON', { content: Buffer.from('{') }, 'the body is not JSON'],
    ['lacks a field', { content: Buffer.from('{"orderId":"o-1"}') }, 'body.requestId'],
    [
      'is larger than any message may be',
      { content: Buffer.alloc(70 * 1024, '"') },
      'the body is not JSON',
    ],
    [
      'is of an unknown type',
      { type: 'dispatch.request.v9' },
      "unknown message type 'dispatch.request.v9'",
    ],
  ])(
    'a request that %s lands in the dead-letter queue with its reason',
    async (_what, fields, reason) => {
      const malformed = message(fields);
      await bed.publisher.publish(malformed);
      const dead = await deadLetter(QUEUES.dispatchRequests, malformed.messageId);
      expect(dead.properties.headers).toMatchObject({
        deadLetterReason: expect.stringContaining(reason),
        firstFailedAt: expect.stringMatching(/^\d{4}-/),
        attempts: 1,
        sourceQueue: QUEUES.dispatchRequests,
      });
      expect(dead.content).toEqual(malformed.content);
    },
  );

  test('a malformed acknowledgement lands in the dead-letter queue with its reason', async () => {
    const malformed = message({
      exchange: EXCHANGES.acknowledgements,
      routingKey: '',
      type: 'dispatch.acknowledgement.v1',
      content: Buffer.from(
        JSON.stringify({
          requestId: 'o-1.1',
          orderId: 'o-1',
          outcome: 'accepted',
          decidedAt: new Date().toISOString(),
        }),
      ),
    });
    await bed.publisher.publish(malformed);
    const dead = await deadLetter(QUEUES.acknowledgements, malformed.messageId);
    expect(dead.properties.headers).toMatchObject({
      deadLetterReason: 'MalformedMessage: body.courierId: is needed with accepted',
    });
  });

  test('an acknowledgement that does not answer what it names is malformed, and changes nothing', async () => {
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order);
    const answers = [
      { requestId: `${order.orderId}.1`, outcome: 'withdrawn' },
      { requestId: `${order.orderId}.withdrawal`, outcome: 'accepted', courierId: 'courier-1' },
      { requestId: 'another.1', orderId: order.orderId, outcome: 'accepted', courierId: 'c' },
    ] as const;
    for (const answer of answers) await bed.acknowledge(answer);
    await eventually(
      async () => (await waitingIn(deadLetterQueueOf(QUEUES.acknowledgements))) >= 3,
    );
    expect(await bed.orders.acknowledgement.count({ where: { orderId: order.orderId } })).toBe(0);
    expect(await handle.cancel({ actor: 'ana', note: 'n' })).toMatchObject({ status: 'cancelled' });
  });

  test('an unknown optional field is no error', async () => {
    const handle = await bed.client.placeOrder(newOrder());
    const { courierId } = await handle.result();
    await bed.acknowledge({
      requestId: `${handle.orderId}.1`,
      outcome: 'accepted',
      courierId: courierId ?? '',
      ...{ vehicle: 'bicycle' },
    });
    const ledger = await eventually(async () => {
      const rows = await bed.orders.acknowledgement.findMany({
        where: { orderId: handle.orderId },
      });
      return rows.length === 2 && rows;
    });
    expect(ledger.map((row) => row.class).sort()).toEqual(['duplicate', 'first']);
  });

  test('a message that keeps failing is dead-lettered after 5 tries, and blocks no other', async () => {
    const broken = newOrder();
    let tries = 0;
    bed.script(broken.orderId, () => {
      tries += 1;
      throw new Error('no map of the town');
    });
    await bed.publishRequest(broken.orderId, `${broken.orderId}.1`);
    await (await bed.client.placeOrder(newOrder())).result();
    const dead = await deadLetter(QUEUES.dispatchRequests, `${broken.orderId}.1`);
    expect(tries).toBe(5);
    expect(dead.properties.headers).toMatchObject({ attempts: 5, deadLetterReason: 'Error' });
  });

  test('an answer whose home is gone arrives by the shared queue', async () => {
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order);
    await eventually(async () => {
      const row = await bed.orders.order.findUnique({ where: { orderId: order.orderId } });
      return row?.attempts === 1;
    });
    await bed.publisher.publish(
      message({
        exchange: EXCHANGES.acknowledgements,
        routingKey: 'order-dispatch.home.of-a-worker-that-died',
        type: 'dispatch.acknowledgement.v1',
        content: Buffer.from(
          JSON.stringify({
            requestId: `${order.orderId}.1`,
            orderId: order.orderId,
            outcome: 'accepted',
            courierId: 'courier-3',
            decidedAt: new Date().toISOString(),
          }),
        ),
      }),
    );
    expect(await handle.result()).toMatchObject({ status: 'dispatched', attempts: 1 });
  });

  test('an order whose request no queue takes is escalated, with the reason', async () => {
    await bed.dispatchSystem.close();
    let handle: OrderHandle;
    try {
      const unbind = async () => {
        for (const queue of [QUEUES.dispatchRequests, QUEUES.supplementRequests])
          await channel.unbindQueue(queue, EXCHANGES.requests, DISPATCH_REQUEST_TYPE);
      };
      await unbind();
      handle = await bed.client.placeOrder(newOrder(), {
        policy: {
          acknowledgementTimeoutMs: patience(250),
          ...{ maximumAttempts: 3, initialIntervalMs: 50 },
        },
      });
      // Again and again: each publisher declares the bindings once a minute.
      const humanTask = await eventually(async () => {
        await unbind();
        return (await handle.status()).humanTask;
      });
      expect(humanTask).toMatchObject({ escalationReason: 'brokerUnavailable' });
    } finally {
      // The tests after this one need it, too; it binds its queue again.
      bed.dispatchSystem = await bed.startDispatchSystem();
    }
    await handle.resolve({ decision: 'retry', actor: 'ana', note: 'bound again' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', resolvedBy: 'ana' });
  });

  test('with all connections closed by the broker, publishes in flight fail or are confirmed, and orders go on', async () => {
    const { handles, outcomes } = await bed.orders.$transaction(async (rows) => {
      // No answer is recorded, and so none is acked, before the connections are closed.
      await rows.$executeRaw`LOCK TABLE acknowledgements IN EXCLUSIVE MODE`;
      // An answer that is still in its home queue dies with it: it is asked for again.
      const policy = { acknowledgementTimeoutMs: patience(150) };
      const handles = await Promise.all(
        Array.from({ length: 20 }, () => bed.client.placeOrder(newOrder(), { policy })),
      );
      await lockAwaited(bed.orders);
      const direct = Array.from({ length: 200 }, () =>
        bed.publisher
          .publish(message({ exchange: '', routingKey: QUEUES.supplementRequests }))
          .catch((error: unknown) => error),
      );
      await closeConnections(bed.stack.rabbitmqctl, bed.vhost);
      return { handles, outcomes: await Promise.all(direct) };
    });
    expect(outcomes.every((it) => it === undefined || it instanceof BrokerUnavailable)).toBe(true);
    await bed.publisher.whenAvailable(new AbortController().signal);

    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results.every(({ status }) => status === 'dispatched')).toBe(true);
    const live = await bed.dispatches.dispatch.groupBy({ by: ['orderId'], _count: true });
    expect(live.every(({ _count }) => _count === 1)).toBe(true);
  });
});
