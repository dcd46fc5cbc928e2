import { join } from 'node:path';
import { tsToMs } from '@temporalio/common/lib/time';
import { connect } from 'amqplib';
import { Client } from 'pg';
import type { OrderHandle, PolicyOverrides } from '../../client';
import { recordDeadLetter } from '../../database/orders/dead-letters';
import { QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { contentHash } from '../../domain/content-hash';
import type { Decide } from '../../dispatch-system/decide';
import { checkHealth } from '../../health/check-health';
import { dispatchRequestMessage } from '../../messaging/messages';
import { replayDeadLetters } from '../../operations/dead-letters-replay';
import { silentLogger } from '../../runtime/logger';
import { rabbitmqctl } from '../../stack/servers/rabbitmqctl';
import { startTestServices, type TestServices } from '../../stack/services';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { closedGate } from '../gate';
import { patience } from '../patience';
import {
  attemptWaitsFor,
  eventually,
  lockAwaited,
  newOrder,
  pendingAttempt,
  setup,
  type TestBed,
} from '../setup';

jest.setTimeout(patience(30_000));

const POLICY = {
  quickWindowMs: 300,
  acknowledgementTimeoutMs: patience(400),
  initialIntervalMs: 200,
  maximumIntervalMs: 1_000,
  maximumAttempts: 20,
} satisfies PolicyOverrides;
const ACCEPT = { kind: 'accept', courierId: 'courier-1' } as const;

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
  });
  afterAll(async () => {
    await bed.close();
    await services.stop();
  });

  const placeSome = (count: number, decide: Decide = () => ACCEPT) =>
    Promise.all(
      Array.from({ length: count }, () => {
        const order = newOrder();
        bed.script(order.orderId, decide);
        return bed.client.placeOrder(order);
      }),
    );
  /** Waits until first attempts have lasted longer than an acknowledgement may take: one that did not wait has ended. */
  const outlastTimeout = async (handles: OrderHandle[]) => {
    for (const { orderId } of handles) {
      await eventually(
        async () => {
          const attempt = await pendingAttempt(bed.temporal, orderId);
          const lasts = tsToMs(attempt?.lastHeartbeatTime) - tsToMs(attempt?.lastStartedTime);
          return lasts > POLICY.acknowledgementTimeoutMs;
        },
        { what: `an attempt for ${orderId} that waits`, withinMs: patience(10_000) },
      );
    }
  };
  const expectAllDispatchedOnce = async (handles: OrderHandle[]) => {
    const results = await Promise.all(handles.map((handle) => handle.result()));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'dispatched' });
      const { orderId } = result;
      expect(await bed.dispatches.dispatch.count({ where: { orderId } })).toBe(1);
    }
    return results;
  };
  const ready = () => eventually(() => bed.worker.ready());

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
    await outlastTimeout(handles);
    await services.rabbitmq.start();
    const results = await expectAllDispatchedOnce(handles);
    expect(results.map(({ attempts }) => attempts)).toEqual(handles.map(() => 1));
  });

  test('the broker, killed with orders in flight: none is lost, none dispatched twice', async () => {
    const killed = closedGate();
    let deciding = 0;
    const before = await placeSome(30, async () => {
      deciding += 1;
      await killed.opened;
      return ACCEPT;
    });
    await eventually(() => deciding > 0, { what: 'a request that is being decided about' });
    await services.rabbitmq.kill();
    killed.open();
    const during = await placeSome(10);
    await services.rabbitmq.start();
    await ready();
    await expectAllDispatchedOnce([...before, ...during]);
  });

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
    const way = await startProxy(bed.amqpUrl);
    const seen = new Set<string>();
    const restartBroker = async () => {
      await services.rabbitmq.stop();
      way.cut();
      way.mend();
      await services.rabbitmq.start();
    };
    let restart: Promise<void> | undefined;
    const report = await replayDeadLetters({
      database: bed.databases.orders,
      amqpUrl: way.url,
      log: silentLogger(),
      filter: { deadLetterReason: 'by a test' },
      actor: 'ana',
      note: 'mended',
      canary: 0,
      ratePerSecond: 5,
      brokerWaitMs: patience(10_000),
      onProgress: (progress) => {
        seen.add(progress.kind);
        if (progress.kind !== 'replayed' || progress.replayed !== 5) return;
        // The next one is published, and not confirmed before the broker goes away.
        way.hold();
        restart = restartBroker();
      },
    });
    await restart;
    await way.close();
    expect(seen).toContain('waiting');
    expect(report.stopped).toBeUndefined();
    expect(report.replayed).toHaveLength(orders.length);
    await eventually(
      async () =>
        (await bed.dispatches.dispatch.count({
          where: { orderId: { in: orders.map(({ orderId }) => orderId) } },
        })) === orders.length,
    );
    const open = await bed.orders.deadLetter.count({ where: { state: 'open' } });
    expect(open).toBe(0);
  });

  test('the broker, blocking publishers: requests wait for it, and burn no attempt', async () => {
    const control = services.rabbitmq.rabbitmqctl;
    await rabbitmqctl(control, ['set_vm_memory_high_watermark', '0.00001']);
    // The broker blocks who publishes: this one's request is in its socket by then, and goes out again.
    const before = await placeSome(1);
    await eventually(() => !bed.worker.ready(), { what: 'the blocked connection' });
    const handles = await placeSome(5);
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
    await outlastTimeout(handles);
    await rabbitmqctl(control, ['set_vm_memory_high_watermark', '0.4']);
    const results = await expectAllDispatchedOnce(handles);
    expect(results.map(({ attempts }) => attempts)).toEqual(handles.map(() => 1));
    await expectAllDispatchedOnce(before);
  });

  test('the databases, away as orders are placed: they wait, and the outage burns no attempt', async () => {
    await services.postgres.stop();
    const policy = { ...POLICY, maximumAttempts: 1 };
    const handles = await Promise.all(
      Array.from({ length: 3 }, () => bed.client.placeOrder(newOrder(), { policy })),
    );
    for (const { orderId } of handles) await attemptWaitsFor(bed.temporal, orderId, 'database');
    await services.postgres.start();
    await expectAllDispatchedOnce(handles);
  });

  test('the databases, killed with orders in flight: consumers pause, and nothing is dead-lettered', async () => {
    const holder = new Client({ connectionString: bed.ordersDatabaseUrl });
    holder.on('error', () => {});
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE acknowledgements IN EXCLUSIVE MODE');
    const handles = await placeSome(20);
    // An answer is being recorded as the databases are killed, and with them who keeps it waiting.
    await lockAwaited(bed.orders);
    await services.postgres.kill();
    await holder.end().catch(() => {});
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
  });
});
