import { connect } from 'amqplib';
import { Client } from 'pg';
import { insertHealthReport } from '../database/orders/health';
import { EXCHANGES, QUEUES } from '../domain/amqp-names';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { DEFAULT_POLICY } from '../domain/policy';
import { SCHEDULES, TASK_QUEUES, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { checkHealth } from '../health/check-health';
import { Publisher } from '../messaging/publisher';
import { readHealth } from '../operations/health';
import { silentLogger } from '../runtime/logger';
import { ensureSchedules, missingSchedules } from '../temporal/schedules';
import { eventually, newOrder, setup, withDatabaseAway, type TestBed } from './setup';

describe('the health check', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
    await bed.startSupplementSystem({ graceMs: 0 });
    await ensureSchedules(bed.temporal);
  });
  afterAll(() => bed.close());

  const check = ({ managementUrl }: { managementUrl?: string } = bed.stack) =>
    checkHealth({
      orders: bed.databases.orders,
      ordersDatabaseUrl: bed.ordersDatabaseUrl,
      dispatchView: bed.databases.dispatchView,
      amqpUrl: bed.amqpUrl,
      ...defined({ rabbitmqManagementUrl: managementUrl }),
      temporal: bed.temporal,
      copyLagMs: () => copyLagMs,
      log: silentLogger(),
    });
  let copyLagMs: number | undefined;
  const codes = async () => (await check()).findings.map(({ code }) => code);
  const run = async (scheduleId: string) => {
    const results = await bed.temporal.schedule.getHandle(scheduleId).describe();
    const before = results.info.numActionsTaken;
    await bed.temporal.schedule.getHandle(scheduleId).trigger();
    return eventually(async () => {
      const { info } = await bed.temporal.schedule.getHandle(scheduleId).describe();
      const last = info.recentActions.at(-1)?.action;
      if (info.numActionsTaken <= before || !last) return false;
      const handle = bed.temporal.workflow.getHandle(
        last.workflow.workflowId,
        last.workflow.firstExecutionRunId,
      );
      return { result: (await handle.result()) as object };
    });
  };
  /** A row as if the order had come so far, and nobody looked after it since. */
  const seed = async (fields: Record<string, unknown>): Promise<string> => {
    const order = newOrder();
    await bed.orders.order.create({
      data: {
        orderId: order.orderId,
        contentHash: contentHash(order),
        order: order as never,
        policy: { ...DEFAULT_POLICY, dispatchWithinMs: 1_000 },
        dispatchBy: new Date(Date.now() - 30 * 60_000),
        updatedAt: new Date(Date.now() - 30 * 60_000),
        ...fields,
      },
    });
    return order.orderId;
  };

  test('finds nothing where all is well, and says what it counted', async () => {
    const handle = await bed.client.placeOrder(newOrder());
    await handle.result();
    const report = await eventually(async () => {
      const seen = await check();
      return seen.findings.length === 0 && seen;
    });
    expect(report).toMatchObject({
      notChecked: [],
      figures: {
        openDeadLetters: 0,
        acknowledgementMs: { answers: expect.any(Number) as number },
        queues: { 'dispatch.requests': { messages: 0, consumers: 1 } },
      },
    });
  });

  test('runs by a schedule, which can be set up again, and whose report is the last one', async () => {
    expect(await ensureSchedules(bed.temporal)).toEqual([]);
    expect((await run(SCHEDULES.checkHealth)).result).toMatchObject({ critical: 0 });
    expect(await readHealth(bed.databases.orders)).toMatchObject({
      state: 'healthy',
      report: { figures: { copyLagMs: expect.any(Number) as number } },
    });
  });

  test('a schedule that is paused or gone is missed, and an old report is stale', async () => {
    await eventually(async () => (await missingSchedules(bed.temporal)).length === 0);
    const handle = bed.temporal.schedule.getHandle(SCHEDULES.sweepOrders);
    await handle.pause();
    await eventually(async () =>
      (await missingSchedules(bed.temporal)).includes(SCHEDULES.sweepOrders),
    );
    await ensureSchedules(bed.temporal);
    expect((await handle.describe()).state.paused).toBe(true);
    await handle.unpause();
    await bed.orders.healthReport.deleteMany({});
    expect(await readHealth(bed.databases.orders)).toEqual({ state: 'stale' });
    await insertHealthReport(bed.databases.orders, {
      at: new Date(Date.now() - 6 * 60_000).toISOString(),
      findings: [],
      figures: {},
      notChecked: [],
    });
    expect(await readHealth(bed.databases.orders)).toMatchObject({ state: 'stale' });
  });

  test('finds an order that is past its deadline with nobody asked, and not one that waits for a person', async () => {
    const orderId = await seed({});
    const now = new Date();
    await seed({ status: 'escalated', escalationReason: 'rejected', escalatedAt: now });
    const findings = (await check()).findings.filter(({ code }) => code === 'ordersOverdue');
    expect(findings).toMatchObject([{ severity: 'critical', examples: [orderId] }]);
    await bed.orders.order.deleteMany({ where: { orderId } });
  });

  test('finds human tasks that are overdue, but for those that somebody snoozed', async () => {
    const longAgo = new Date(Date.now() - 60 * 60_000);
    const orderId = await seed({
      status: 'escalated',
      escalationReason: 'rejected',
      escalatedAt: longAgo,
    });
    expect(await codes()).toContain('tasksOverdue');
    await bed.orders.humanTask.updateMany({
      where: { orderId },
      data: { snoozedUntil: new Date(Date.now() + 60_000) },
    });
    expect(await codes()).not.toContain('tasksOverdue');
  });

  test('finds a queue that nobody consumes, asks a person once, and closes that when it is gone', async () => {
    const open = () => bed.orders.humanTask.findMany({ where: { taskId: 'health/noConsumer' } });
    await bed.dispatchSystem.close();
    expect((await run(SCHEDULES.checkHealth)).result).toMatchObject({ critical: 1 });
    const first = await readHealth(bed.databases.orders);
    expect(first.report?.findings[0]?.whatToDo).not.toContain('hold');
    await run(SCHEDULES.checkHealth);
    expect(await open()).toMatchObject([{ kind: 'health', closedAt: null }]);
    expect(await readHealth(bed.databases.orders)).toMatchObject({
      state: 'unhealthy',
      report: {
        findings: [
          {
            code: 'noConsumer',
            what: expect.stringContaining('dispatch.requests') as string,
            // It was so a minute ago.
            whatToDo: expect.stringContaining('order-dispatch hold') as string,
          },
        ],
      },
    });
    bed.dispatchSystem = await bed.startDispatchSystem();
    await run(SCHEDULES.checkHealth);
    expect(await open()).toMatchObject([{ closedBy: 'answer' }]);
  });

  test.each(['orders', 'dispatch'] as const)(
    'finds that the %s database has hardly a connection left',
    async (which) => {
      const { [`${which}DatabaseUrl` as const]: url, stack } = bed;
      const limitTo = async (connections: number) => {
        const admin = new Client({ connectionString: stack.postgresUrl });
        await admin.connect();
        const name = new URL(url).pathname.slice(1);
        await admin.query(`ALTER DATABASE "${name}" CONNECTION LIMIT ${connections}`);
        await admin.end();
      };
      expect(await codes()).not.toContain('connectionsScarce');
      await limitTo(1);
      expect((await check()).findings).toContainEqual(
        expect.objectContaining({
          code: 'connectionsScarce',
          what: expect.stringMatching(`\\d+ of 1 connections of the ${which} database`) as string,
        }),
      );
      await limitTo(-1);
    },
  );

  test('finds that copies are compared late', async () => {
    expect(await codes()).not.toContain('copiesBehind');
    copyLagMs = 61_000;
    const { findings, figures } = await check();
    expect(findings.map(({ code }) => code)).toContain('copiesBehind');
    expect(figures).toMatchObject({ copyLagMs });
    copyLagMs = undefined;
  });

  test('finds a binding that somebody removed, which the queue alone does not show', async () => {
    const connection = await connect(bed.amqpUrl);
    const channel = await connection.createChannel();
    await channel.unbindQueue(QUEUES.supplementRequests, EXCHANGES.requests, DISPATCH_REQUEST_TYPE);
    await connection.close();
    expect((await check()).findings).toContainEqual(
      expect.objectContaining({
        code: 'bindingMissing',
        what: `there is no order-dispatch.requests -> supplement.requests (${DISPATCH_REQUEST_TYPE})`,
      }),
    );
    const publisher = await Publisher.open({ url: bed.amqpUrl, name: 'test', log: silentLogger() });
    await publisher.close();
    await eventually(async () => !(await codes()).includes('bindingMissing'));
  });

  test('says what it cannot look at', async () => {
    const report = await check({});
    expect(report.notChecked).toEqual([
      { what: 'bindings and alarms', why: 'RABBITMQ_MANAGEMENT_URL is not set' },
    ]);
  });

  test('finds that the dispatch database is away, and still looks at the rest', async () => {
    await withDatabaseAway(bed.stack, bed.dispatchDatabaseUrl, async () => {
      const report = await check();
      expect(report.findings).toContainEqual(
        expect.objectContaining({ code: 'dispatchDatabaseUnavailable' }),
      );
      expect(report.figures.queues).toBeDefined();
    });
  });

  test('finds a workflow whose task fails again and again', async () => {
    const orderId = await seed({});
    await bed.temporal.workflow.start('a workflow that no worker knows', {
      taskQueue: TASK_QUEUES.main,
      workflowId: dispatchOrderWorkflowId(orderId),
    });
    await eventually(async () => (await codes()).includes('workflowsStuck'), { withinMs: 30_000 });
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).terminate();
    await bed.orders.order.deleteMany({ where: { orderId } });
  }, 60_000);

  test('the sweep by the clock finds an order that no workflow looks after, and it is dispatched', async () => {
    await bed.orders.order.deleteMany({ where: { status: 'escalated' } });
    const orderId = await seed({
      dispatchBy: new Date(Date.now() + 60_000),
      updatedAt: new Date(Date.now() - 60 * 60_000),
    });
    expect((await run(SCHEDULES.sweepOrders)).result).toMatchObject({ found: 1 });
    await eventually(
      async () =>
        (await bed.orders.order.findUniqueOrThrow({ where: { orderId } })).status === 'dispatched',
      { withinMs: 20_000 },
    );
  }, 60_000);
});
