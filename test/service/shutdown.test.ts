import { NativeConnection } from '@temporalio/worker';
import type { PolicyOverrides } from '../../client';
import { silentLogger } from '../../runtime/logger';
import { startWorker, type OrderDispatchWorker } from '../../worker/worker';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { patience } from '../patience';
import { attemptWaitsFor, eventually, newOrder, setup, type TestBed } from '../setup';

/** An attempt that waits says so three times in this time, or is given up. */
const POLICY: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: patience(150) };

describe('a worker that shuts down', () => {
  let bed: TestBed;
  let connection: NativeConnection;
  const workers: OrderDispatchWorker[] = [];
  beforeAll(async () => {
    bed = await setup({ policy: POLICY });
    connection = await NativeConnection.connect({ address: bed.stack.temporalAddress });
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await connection.close();
    await bed.close();
  });

  /** Starts a worker that reaches the broker by this URL. */
  const start = async (amqpUrl: string) => {
    const { namespace, ordersDatabaseUrl } = bed;
    const log = silentLogger();
    const worker = await startWorker({
      connection,
      namespace,
      amqpUrl,
      ordersDatabaseUrl,
      log,
      policy: POLICY,
    });
    workers.push(worker);
    return worker;
  };

  test('during an outage burns no attempt: of an order with a single one, another worker goes on', async () => {
    const order = newOrder();
    const { orderId } = order;
    await bed.worker.close();
    const way = await startProxy(bed.amqpUrl);
    const first = await start(way.url);
    await way.close();
    await eventually(() => !first.ready(), { what: 'the outage' });
    await first.client.placeOrder(order, { policy: { maximumAttempts: 1 } });
    await attemptWaitsFor(bed.temporal, orderId, 'broker');
    await first.close();
    const second = await start(bed.amqpUrl);
    expect(await second.client.getOrder(orderId).result()).toMatchObject({ status: 'dispatched' });
    expect(await bed.orders.order.findUniqueOrThrow({ where: { orderId } })).toMatchObject({
      requestNumber: 1,
      escalationReason: null,
    });
  });
});
