import { connect, type Channel, type ChannelModel } from 'amqplib';
import type { OrderHandle } from '../../client';
import { QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { eventually, newOrder, setup, withDatabaseAway, type TestBed } from '../setup';

describe('a database that is away while messages are held', () => {
  let bed: TestBed;
  let connection: ChannelModel;
  let channel: Channel;
  beforeAll(async () => {
    bed = await setup({ policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 } });
    await bed.startSupplementSystem({ graceMs: 0 });
    connection = await connect(bed.amqpUrl);
    channel = await connection.createChannel();
  });
  afterAll(async () => {
    await connection.close();
    await bed.close();
  });

  const during = (url: string, work: () => Promise<void>) => withDatabaseAway(bed.stack, url, work);
  const waitingIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  /** Consumers pause longer each time: so often that a message of its own fault would be given up. */
  const pauses = async (ready: () => boolean, times: number) => {
    for (let time = 0; time < times; time += 1) {
      await eventually(() => !ready(), { what: 'a pause' });
      await eventually(() => ready(), { what: 'the end of a pause' });
    }
    await eventually(() => !ready(), { what: 'one more pause' });
  };

  test('the dispatch system holds requests, is not ready, gives none up, and answers them afterwards', async () => {
    const handles: OrderHandle[] = [];
    await during(bed.dispatchDatabaseUrl, async () => {
      for (let n = 0; n < 5; n += 1) handles.push(await bed.client.placeOrder(newOrder()));
      await pauses(() => bed.dispatchSystem.ready(), 7);
      expect(await waitingIn(QUEUES.dispatchRequests)).toBe(0);
      expect(await waitingIn(deadLetterQueueOf(QUEUES.dispatchRequests))).toBe(0);
    });
    for (const handle of handles) expect(await handle.result()).toMatchObject({ attempts: 1 });
    expect(await bed.orders.deadLetter.count()).toBe(0);
  });

  test('the worker holds answers, is not ready, gives none up, and records them afterwards', async () => {
    const { orderId } = newOrder();
    await during(bed.ordersDatabaseUrl, async () => {
      await bed.acknowledge({
        requestId: `${orderId}.1`,
        outcome: 'accepted',
        courierId: 'bike-7',
      });
      await pauses(() => bed.worker.ready(), 7);
      expect(await waitingIn(QUEUES.acknowledgements)).toBe(0);
      expect(await waitingIn(deadLetterQueueOf(QUEUES.acknowledgements))).toBe(0);
    });
    await eventually(
      async () => (await bed.orders.acknowledgement.count({ where: { orderId } })) === 1,
    );
    expect(await bed.orders.deadLetter.count()).toBe(0);
  });

  test('the drain holds dead letters and records each once afterwards', async () => {
    const queue = deadLetterQueueOf(QUEUES.dispatchRequests);
    const { orderId } = newOrder();
    await during(bed.ordersDatabaseUrl, async () => {
      await bed.publisher.publish({
        exchange: '',
        routingKey: queue,
        type: DISPATCH_REQUEST_TYPE,
        messageId: `${orderId}.1`,
        appId: 'a stranger',
        headers: { deadLetterReason: 'by a test' },
        content: Buffer.from('{}'),
      });
      // Taken, and not given back: the drain has it.
      await eventually(async () => (await waitingIn(queue)) === 0);
      await bed.acknowledge({
        requestId: `${orderId}.1`,
        outcome: 'accepted',
        courierId: 'bike-7',
      });
      await pauses(() => bed.worker.ready(), 3);
      expect(await waitingIn(queue)).toBe(0);
    });
    await eventually(
      async () =>
        (await bed.orders.deadLetter.count({ where: { messageId: `${orderId}.1` } })) === 1,
      { what: 'the dead letter' },
    );
  });
});
