import { NativeConnection } from '@temporalio/worker';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { silentLogger } from '../../runtime/logger';
import { startWorker, type OrderDispatchWorker } from '../../worker/worker';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { eventually, newOrder, setup, type TestBed } from '../setup';

describe('a worker that shuts down', () => {
  let bed: TestBed;
  let connection: NativeConnection;
  const workers: OrderDispatchWorker[] = [];
  beforeAll(async () => {
    bed = await setup({ policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 2_000 } });
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
      policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 2_000 },
    });
    workers.push(worker);
    return worker;
  };

  test('during an outage burns no attempt: of an order with a single one, another worker goes on', async () => {
    const order = newOrder();
    const { orderId } = order;
    const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
    const waitsForBroker = async () => {
      const { raw } = await workflow.describe();
      return raw.pendingActivities?.some(({ heartbeatDetails }) =>
        heartbeatDetails?.payloads?.some(({ data }) =>
          Buffer.from(data ?? []).includes('"waitsFor":"broker"'),
        ),
      );
    };
    await bed.worker.close();
    const way = await startProxy(bed.amqpUrl);
    const first = await start(way.url);
    await way.close();
    await eventually(() => !first.ready(), { what: 'the outage' });
    await first.client.placeOrder(order, { policy: { maximumAttempts: 1 } });
    await eventually(waitsForBroker, { what: 'an attempt that waits for the broker' });
    await first.close();
    const second = await start(bed.amqpUrl);
    expect(await second.client.getOrder(orderId).result()).toMatchObject({ status: 'dispatched' });
    expect(await bed.orders.order.findUniqueOrThrow({ where: { orderId } })).toMatchObject({
      requestNumber: 1,
      escalationReason: null,
    });
  }, 60_000);
});
