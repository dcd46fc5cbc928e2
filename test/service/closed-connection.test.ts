import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openOrdersDatabase } from '../../database/orders/connection';
import { findOrder } from '../../database/orders/read-order';
import { BrokerUnavailable } from '../../domain/errors';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { eventually, newOrder, setup, type TestBed } from '../setup';

/** An order service that waits for an order, and closes its client when it is told to. */
const WAITS = `
  const { OrderDispatchClient } = require('order-dispatch');
  (async () => {
    const { orderId, address, isWorker, ...rest } = JSON.parse(process.argv[1]);
    const options = { ...rest, callTimeoutMs: 5_000 };
    const connect = () => require('@temporalio/worker').NativeConnection.connect({ address });
    const client = isWorker
      ? new OrderDispatchClient({ ...options, connection: await connect() })
      : await OrderDispatchClient.connect({ ...options, address });
    const order = client.getOrder(orderId);
    order.result().then(console.log, ({ code }) => console.log(code));
    await order.status();
    process.send('waits');
    process.on('message', async (isAway) => {
      // Once this call has failed, the other one waits for its next try.
      if (isAway) await order.status().catch(() => {});
      await client.close();
      process.send('closed', () => process.disconnect());
    });
  })();`;

let bed: TestBed;
beforeAll(async () => (bed = await setup({ policy: { quickWindowMs: 0 } })));
afterAll(() => bed.close());

/** The ID of an order that nobody answers. */
const placeUnanswered = async (): Promise<string> => {
  const order = newOrder();
  bed.script(order.orderId, () => ({ kind: 'staySilent' }));
  await bed.client.placeOrder(order, { policy: { acknowledgementTimeoutMs: 60_000 } });
  return order.orderId;
};

describe('close() ends what waits with an error of ours, and nothing fails later:', () => {
  test.each([
    ["on a client's connection, with Temporal gone before it", true, false],
    ["on a client's connection, with Temporal gone after it", false, false],
    ["on a worker's connection", false, true],
  ])('a result, %s', async (_, goesBefore, isWorker) => {
    const proxy = await startProxy(`tcp://${bed.stack.temporalAddress}`);
    const options = {
      address: new URL(proxy.url).host,
      namespace: bed.namespace,
      orderId: await placeUnanswered(),
      isWorker,
    };
    const child = spawn(process.execPath, ['-e', WAITS, '--', JSON.stringify(options)], {
      cwd: join(__dirname, '..', '..'),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => (output += data.toString()));
    }
    const ended = once(child, 'close') as Promise<[number | null]>;
    await Promise.race([once(child, 'message'), ended]);
    if (goesBefore) proxy.cut();
    child.send(goesBefore);
    await Promise.race([once(child, 'message'), ended]);
    proxy.cut();
    expect([(await ended)[0], output]).toEqual([0, 'ConnectionClosed\n']);
    await proxy.close();
  });

  test('a wait for the broker', async () => {
    const proxy = await startProxy(bed.amqpUrl);
    const log = silentLogger();
    const publisher = await Publisher.open({ url: proxy.url, name: 'to be closed', log });
    proxy.cut();
    await eventually(() => !publisher.available, { what: 'the end of the connection' });
    const failure = publisher
      .whenAvailable(new AbortController().signal)
      .catch((error: unknown) => error);
    await publisher.close();
    expect(await failure).toBeInstanceOf(BrokerUnavailable);
    await proxy.close();
  });

  test('a statement, which finds no pool that it could open anew', async () => {
    const database = openOrdersDatabase({ url: bed.ordersDatabaseUrl });
    await findOrder(database, 'o-1');
    await database.close();
    await expect(findOrder(database, 'o-1')).rejects.toMatchObject({ code: 'ConnectionClosed' });
  });
});
