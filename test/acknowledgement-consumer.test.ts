import type { Client as Temporal } from '@temporalio/client';
import { QuickPath } from '../activities/quick-path';
import { openOrdersDatabase, type OrdersDatabase } from '../database/orders/connection';
import { QUEUES } from '../domain/amqp-names';
import { acknowledgementMessage } from '../messaging/messages';
import { Publisher } from '../messaging/publisher';
import { silentLogger } from '../runtime/logger';
import { startAcknowledgementConsumer } from '../worker/acknowledgement-consumer';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { openOrdersRows, type OrdersRows } from './rows';
import { createSurroundings, eventually, newOrder, type Surroundings } from './setup';

describe('an answer that nobody can be told of', () => {
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

  test('is in the ledger once, however often it is tried, and goes back to the queue', async () => {
    const { orderId } = newOrder();
    let signals = 0;
    const unavailable = Object.assign(new Error('14 UNAVAILABLE'), {
      code: 14,
      details: '',
      metadata: {},
    });
    // The SDK's own would try for half a minute.
    const temporal = {
      workflow: {
        getHandle: () => ({ signal: () => ((signals += 1), Promise.reject(unavailable)) }),
      },
    } as unknown as Temporal;
    const consumer = await startAcknowledgementConsumer({
      amqpUrl: surroundings.amqpUrl,
      database,
      temporal,
      quickPath: new QuickPath(1),
      publisher,
      log: silentLogger(),
      pauses: { initialMs: 10, maximumMs: 20 },
    });
    await publisher.publish(
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
    await eventually(() => signals > 6, { what: 'more failures than a message may have' });
    await consumer.close();
    expect(await rows.acknowledgement.count({ where: { orderId } })).toBe(1);
    await eventually(
      async () => (await channel.checkQueue(QUEUES.acknowledgements)).messageCount === 1,
      {
        what: 'the answer in its queue',
      },
    );
  });
});
