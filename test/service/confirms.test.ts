import { connect, type Channel, type ChannelModel } from 'amqplib';
import { QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { MalformedMessage } from '../../domain/errors';
import { Publisher } from '../../messaging/publisher';
import { startConsumer, type StartedConsumer } from '../../messaging/start-consumer';
import { silentLogger } from '../../runtime/logger';
import { startProxy, type Proxy } from '../../stack/servers/tcp-proxy';
import { createSurroundings, eventually, type Surroundings } from '../setup';

const QUEUE = QUEUES.supplementRequests;

describe('while the broker holds its confirms back', () => {
  let surroundings: Surroundings;
  let proxy: Proxy;
  let publisher: Publisher;
  let connection: ChannelModel;
  let channel: Channel;
  let consumer: StartedConsumer | undefined;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    proxy = await startProxy(surroundings.amqpUrl);
    publisher = await Publisher.open({ url: proxy.url, name: 'test', log: silentLogger() });
    connection = await connect(surroundings.amqpUrl);
    channel = await connection.createChannel();
  });
  beforeEach(() => channel.purgeQueue(QUEUE));
  afterEach(async () => {
    proxy.release();
    await consumer?.close();
    consumer = undefined;
  });
  afterAll(async () => {
    await publisher.close();
    await connection.close();
    await proxy.close();
    await surroundings.remove();
  });

  const waitingIn = async (queue: string) => (await channel.checkQueue(queue)).messageCount;
  const messageOf = (messageId: string) => ({
    exchange: '',
    routingKey: QUEUE,
    type: 'test',
    messageId,
    appId: 'test',
    headers: {},
    content: Buffer.from('{}'),
  });

  test('no publish resolves, though the message is in its queue', async () => {
    proxy.hold();
    let isPublished = false;
    const published = publisher.publish(messageOf('a')).then(() => (isPublished = true));
    await eventually(async () => (await waitingIn(QUEUE)) === 1, { what: 'the message' });
    expect(isPublished).toBe(false);
    proxy.release();
    await published;
  });

  test('a connection that is lost while it is being closed holds no shutdown up', async () => {
    const own = await startProxy(surroundings.amqpUrl);
    const lost = await Publisher.open({ url: own.url, name: 'test', log: silentLogger() });
    own.hold();
    let isClosed = false;
    const closing = lost.close().then(() => (isClosed = true));
    // Whatever the broker says now, nobody hears it.
    await own.close();
    await eventually(() => isClosed, { what: 'the end of closing' });
    await closing;
  });

  test('no message is acked whose dead letter is not confirmed', async () => {
    const seen: string[] = [];
    consumer = await startConsumer({
      url: surroundings.amqpUrl,
      name: 'test consume',
      queues: [QUEUE],
      // The next one comes when the first is acked, and not before.
      prefetch: 1,
      log: silentLogger(),
      publisher,
      faultOf: () => 'message',
      handle: ({ messageId }) => {
        seen.push(messageId);
        return messageId === 'bad' ? Promise.reject(new MalformedMessage('no')) : Promise.resolve();
      },
    });
    proxy.hold();
    for (const messageId of ['bad', 'good']) {
      const { content, ...properties } = messageOf(messageId);
      channel.sendToQueue(QUEUE, content, properties);
    }
    await eventually(async () => (await waitingIn(deadLetterQueueOf(QUEUE))) === 1, {
      what: 'the dead letter',
    });
    await eventually(async () => (await waitingIn(QUEUE)) === 1, { what: 'the next message' });
    // An ack would have been there before these answers.
    for (let round = 0; round < 20; round += 1) expect(await waitingIn(QUEUE)).toBe(1);
    expect(seen).toEqual(['bad']);
    proxy.release();
    await eventually(() => seen.length === 2, { what: 'the next message' });
  });
});
