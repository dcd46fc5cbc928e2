import { join } from 'node:path';
import { connect } from 'amqplib';
import type { OrderHandle, PolicyOverrides } from '../../client';
import { recordDeadLetter } from '../../database/orders/dead-letters';
import { QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { contentHash } from '../../domain/content-hash';
import { checkHealth } from '../../health/check-health';
import { dispatchRequestMessage } from '../../messaging/messages';
import { replayDeadLetters } from '../../operations/dead-letters-replay';
import { silentLogger } from '../../runtime/logger';
import { rabbitmqctl } from '../../stack/servers/rabbitmqctl';
import { startTestServices, type TestServices } from '../../stack/services';
import { eventually, inTurn, newOrder, setup, type TestBed } from '../setup';

const POLICY: PolicyOverrides = {
  quickWindowMs: 300,
  acknowledgementTimeoutMs: 8_000,
  initialIntervalMs: 200,
  maximumIntervalMs: 1_000,
  maximumAttempts: 20,
};
const AFTER_A_MOMENT = { kind: 'accept', courierId: 'courier-1', answerAfterMs: 1_500 } as const;

describe('a server that goes away and comes back', () => {
  let services: TestServices;
  let bed: TestBed;

  beforeAll(async () => {
    services = await startTestServices({
      directory: join(__dirname, '..', '..', '.local'),
      progress: () => {},
    });
    const { rabbitmq, temporal, postgres } = services;
    bed = await setup({
      policy: POLICY,
      servers: {
        temporalAddress: temporal.address,
        amqpUrl: rabbitmq.url(),
        managementUrl: rabbitmq.managementUrl,
        rabbitmqctl: rabbitmq.rabbitmqctl,
        postgresUrl: postgres.url(),
      },
    });
  }, 120_000);
  afterAll(async () => {
    await bed.close();
    await services.stop();
  }, 60_000);

  const placeSome = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () => {
        const order = newOrder();
        bed.script(order.orderId, inTurn(AFTER_A_MOMENT));
        return bed.client.placeOrder(order);
      }),
    );
  const expectAllDispatchedOnce = async (handles: OrderHandle[]) => {
    const results = await Promise.all(handles.map((handle) => handle.result()));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'dispatched' });
      const { orderId } = result;
      expect(await bed.dispatches.dispatch.count({ where: { orderId } })).toBe(1);
    }
    return results;
  };
  const ready = () => eventually(() => bed.worker.ready(), { withinMs: 40_000 });

  test('the broker, away as orders are placed: they wait, and the outage burns no attempt', async () => {
    await services.rabbitmq.stop();
    await eventually(() => !bed.worker.ready());
    const handles = await placeSome(5);
    await eventually(async () => {
      const rows = await bed.orders.order.findMany({
        where: { orderId: { in: handles.map(({ orderId }) => orderId) }, attempts: 1 },
      });
      return rows.length === handles.length;
    });
    // Longer than the acknowledgement timeout: an attempt that did not wait would have ended.
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    await services.rabbitmq.start();
    const results = await expectAllDispatchedOnce(handles);
    expect(results.map(({ attempts }) => attempts)).toEqual(handles.map(() => 1));
  }, 120_000);

  test('the broker, killed with orders in flight: none is lost, none dispatched twice', async () => {
    const before = await placeSome(30);
    await services.rabbitmq.kill();
    const during = await placeSome(10);
    await services.rabbitmq.start();
    await ready();
    await expectAllDispatchedOnce([...before, ...during]);
  }, 120_000);

  test('the broker, restarted in the middle of a replay of dead letters: each is replayed, none handled twice', async () => {
    const orders = Array.from({ length: 15 }, () => newOrder());
    for (const order of orders) {
      const requestId = `${order.orderId}.1`;
      const dispatchBy = new Date(Date.now() + 600_000).toISOString();
      const { content, type, appId, headers } = dispatchRequestMessage(
        { requestId, orderId: order.orderId, dispatchBy, contentHash: contentHash(order), order },
        undefined,
      );
      await recordDeadLetter(bed.databases.orders, {
        fingerprint: requestId,
        sourceQueue: QUEUES.dispatchRequests,
        messageId: requestId,
        type,
        appId,
        orderId: order.orderId,
        deadLetterReason: 'by a test',
        properties: {},
        headers,
        content: Uint8Array.from(content),
        attempts: 5,
        firstFailedAt: new Date(),
        lastFailedAt: new Date(),
      });
    }
    let restart: Promise<void> | undefined;
    const report = await replayDeadLetters({
      database: bed.databases.orders,
      amqpUrl: bed.amqpUrl,
      log: silentLogger(),
      filter: { deadLetterReason: 'by a test' },
      actor: 'ana',
      note: 'mended',
      canary: 0,
      ratePerSecond: 5,
      brokerWaitMs: 60_000,
      onProgress: (progress) => {
        if (progress.kind !== 'replayed' || progress.replayed !== 5) return;
        restart ??= services.rabbitmq.stop().then(() => services.rabbitmq.start());
      },
    });
    await restart;
    expect(report.stopped).toBeUndefined();
    expect(report.replayed).toHaveLength(orders.length);
    await eventually(
      async () =>
        (await bed.dispatches.dispatch.count({
          where: { orderId: { in: orders.map(({ orderId }) => orderId) } },
        })) === orders.length,
      { withinMs: 60_000 },
    );
    const open = await bed.orders.deadLetter.count({ where: { state: 'open' } });
    expect(open).toBe(0);
  }, 120_000);

  test('the broker, blocking publishers: requests wait for it, and burn no attempt', async () => {
    const control = services.rabbitmq.rabbitmqctl;
    await rabbitmqctl(control, ['set_vm_memory_high_watermark', '0.00001']);
    // The broker blocks who publishes: this one's request is in its socket by then, and goes out again.
    const before = await placeSome(1);
    await eventually(() => !bed.worker.ready(), { what: 'the blocked connection' });
    const policy = { ...POLICY, acknowledgementTimeoutMs: 2_000 };
    const handles = await Promise.all(
      Array.from({ length: 5 }, () => bed.client.placeOrder(newOrder(), { policy })),
    );
    await eventually(async () => {
      const orderId = { in: handles.map((handle) => handle.orderId) };
      return (await bed.orders.order.count({ where: { orderId, attempts: 1 } })) === handles.length;
    });
    // The health check names them; the broker counts every five seconds.
    const findings = await eventually(async () => {
      const report = await checkHealth({
        orders: bed.databases.orders,
        ordersDatabaseUrl: bed.ordersDatabaseUrl,
        dispatchView: bed.databases.dispatchView,
        amqpUrl: bed.amqpUrl,
        rabbitmqManagementUrl: bed.stack.managementUrl,
        temporal: bed.temporal,
        copyLagMs: () => undefined,
        log: silentLogger(),
      });
      return report.findings.some(({ what }) => what.includes('worker publish')) && report.findings;
    });
    expect(findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ code: 'brokerAlarm', severity: 'critical' },
          what: expect.stringMatching(/^RabbitMQ is out of memory on /) as string,
        }),
        expect.objectContaining({
          ...{ code: 'publishersBlocked', severity: 'warning' },
          what: expect.stringMatching(/^\d+ connections are blocked: .*worker publish/) as string,
        }),
      ]),
    );
    // Longer than the acknowledgement timeout: an attempt that did not wait would have ended.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await rabbitmqctl(control, ['set_vm_memory_high_watermark', '0.4']);
    const results = await expectAllDispatchedOnce(handles);
    expect(results.map(({ attempts }) => attempts)).toEqual(handles.map(() => 1));
    await expectAllDispatchedOnce(before);
  }, 120_000);

  test('the databases, away as orders are placed: they wait, and the outage burns no attempt', async () => {
    await services.postgres.stop();
    const policy = { ...POLICY, maximumAttempts: 1 };
    const handles = await Promise.all(
      Array.from({ length: 3 }, () => bed.client.placeOrder(newOrder(), { policy })),
    );
    // Longer than the quick path and the retries of one that did not wait.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await services.postgres.start();
    await expectAllDispatchedOnce(handles);
  }, 90_000);

  test('the databases, killed with orders in flight: consumers pause, and nothing is dead-lettered', async () => {
    const handles = await placeSome(20);
    const orderId = { in: handles.map((handle) => handle.orderId) };
    // Decided, and not answered yet: the answers come while the databases are away.
    await eventually(
      async () => (await bed.dispatches.dispatch.count({ where: { orderId } })) === handles.length,
    );
    await services.postgres.kill();
    // A connection alone that is lost pauses nobody: it is a message that met the failure.
    await eventually(() => !bed.worker.ready(), { what: 'a consumer of answers that pauses' });
    const stray = newOrder().orderId;
    await bed.publishRequest(stray, `${stray}.1`);
    await eventually(() => !bed.dispatchSystem.ready(), {
      what: 'a consumer of requests that pauses',
    });
    await services.postgres.start();
    await expectAllDispatchedOnce(handles);
    const connection = await connect(bed.amqpUrl);
    const channel = await connection.createChannel();
    for (const queue of [QUEUES.dispatchRequests, QUEUES.acknowledgements]) {
      expect(await channel.checkQueue(deadLetterQueueOf(queue))).toMatchObject({ messageCount: 0 });
    }
    await connection.close();
  }, 120_000);
});
