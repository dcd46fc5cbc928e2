import type { Client as Temporal } from '@temporalio/client';
import { QuickPath } from '../../activities/quick-path';
import { openOrdersDatabase, type OrdersDatabase } from '../../database/orders/connection';
import { QUEUES } from '../../domain/amqp-names';
import { defined } from '../../domain/defined';
import type { Order } from '../../domain/order';
import { acknowledgementMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { startAcknowledgementConsumer } from '../../worker/acknowledgement-consumer';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { insertOrderRow, openOrdersRows, type OrdersRows } from '../rows';
import { createSurroundings, eventually, newOrder, type Surroundings } from '../setup';

describe('an answer', () => {
  let surroundings: Surroundings;
  let database: OrdersDatabase;
  let rows: OrdersRows;
  let publisher: Publisher;
  let connection: ChannelModel;
  let channel: Channel;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { amqpUrl: url, ordersDatabaseUrl } = surroundings;
    database = openOrdersDatabase({ url: ordersDatabaseUrl });
    rows = openOrdersRows(ordersDatabaseUrl);
    publisher = await Publisher.open({ url, name: 'test', log: silentLogger() });
    connection = await connect(url);
    channel = await connection.createChannel();
  });
  afterAll(async () => {
    await publisher.close();
    await connection.close();
    await database.close();
    await rows.$disconnect();
    await surroundings.remove();
  });

  /** Consumes as a worker process does; its signals are counted, and none is sent. */
  const consume = (
    signal: () => Promise<void>,
    turnToTell?: (closing: AbortSignal) => Promise<void>,
  ) =>
    startAcknowledgementConsumer({
      amqpUrl: surroundings.amqpUrl,
      database,
      temporal: { workflow: { getHandle: () => ({ signal }) } } as unknown as Temporal,
      quickPath: new QuickPath(1),
      publisher,
      log: silentLogger(),
      pauses: { initialMs: 10, maximumMs: 20 },
      ...defined({ turnToTell }),
    });
  const record = (order: Order) => insertOrderRow(rows, order);
  const accept = (orderId: string) =>
    publisher.publish(
      acknowledgementMessage(
        {
          requestId: `${orderId}.1`,
          orderId,
          outcome: 'accepted',
          courierId: 'courier-1',
          decidedAt: new Date().toISOString(),
        },
        {},
      ),
    );
  const answersTo = (orderId: string) => rows.acknowledgement.count({ where: { orderId } });

  test('that is repeated is told once by a process, again by another, and where the row was lost', async () => {
    const order = newOrder();
    const { orderId } = order;
    await record(order);
    let signals = 0;
    const answered = async (answers: number, told: number) => {
      await accept(orderId);
      await eventually(async () => (await answersTo(orderId)) === answers);
      await eventually(
        async () => (await channel.checkQueue(QUEUES.acknowledgements)).messageCount === 0,
      );
      await consumer.close();
      expect(signals).toBe(told);
      consumer = await start();
    };
    const start = () => consume(() => ((signals += 1), Promise.resolve()));
    let consumer = await start();
    await accept(orderId);
    await eventually(() => signals === 1);
    await answered(2, 1);
    // Another process: it cannot know whether the first one told it.
    await accept(orderId);
    await eventually(() => signals === 2);
    await rows.order.delete({ where: { orderId } });
    await record(order);
    await answered(4, 3);
    await consumer.close();
    expect(await rows.order.findUniqueOrThrow({ where: { orderId } })).toMatchObject({
      status: 'dispatched',
    });
  });

  test('is recorded while hundreds wait for their turn to be told; these go back to the queue when the worker closes', async () => {
    const orders = Array.from({ length: 120 }, () => newOrder());
    await Promise.all(orders.map(record));
    let signals = 0;
    const never = (closing: AbortSignal) =>
      new Promise<void>((resolve) => closing.addEventListener('abort', () => resolve()));
    const consumer = await consume(() => ((signals += 1), Promise.resolve()), never);
    await Promise.all(orders.map(({ orderId }) => accept(orderId)));
    const orderId = { in: orders.map((order) => order.orderId) };
    await eventually(
      async () => (await rows.acknowledgement.count({ where: { orderId } })) === orders.length,
      { what: 'every answer in the ledger' },
    );
    await consumer.close();
    expect(signals).toBe(0);
    const waiting = async () => (await channel.checkQueue(QUEUES.acknowledgements)).messageCount;
    await eventually(async () => (await waiting()) === orders.length, { what: 'all in the queue' });
    await channel.purgeQueue(QUEUES.acknowledgements);
  });

  test('that nobody can be told of is in the ledger once, however often it is tried, and goes back to the queue', async () => {
    const { orderId } = newOrder();
    let signals = 0;
    const unavailable = Object.assign(new Error('14 UNAVAILABLE'), {
      code: 14,
      details: '',
      metadata: {},
    });
    // The SDK's own would try for half a minute.
    const consumer = await consume(() => ((signals += 1), Promise.reject(unavailable)));
    await accept(orderId);
    await eventually(() => signals > 6, { what: 'more failures than a message may have' });
    await consumer.close();
    expect(await answersTo(orderId)).toBe(1);
    await eventually(
      async () => (await channel.checkQueue(QUEUES.acknowledgements)).messageCount === 1,
      {
        what: 'the answer in its queue',
      },
    );
  });
});
