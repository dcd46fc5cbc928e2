import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { insertHealthReport } from '../../database/orders/health';
import { EXCHANGES, QUEUES } from '../../domain/amqp-names';
import { defined } from '../../domain/defined';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { DEFAULT_POLICY } from '../../domain/policy';
import { SCHEDULES, TASK_QUEUES, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { watchHealthByMessage } from '../../dispatch-system/health-by-message';
import { checkHealth } from '../../health/check-health';
import { healthCheckedMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { readHealth } from '../../operations/health';
import { silentLogger } from '../../runtime/logger';
import { closeConnections } from '../../stack/servers/rabbitmqctl';
import { ensureSchedules, missingSchedules } from '../../temporal/schedules';
import { insertOrderRow } from '../rows';
import { eventually, newOrder, setup, withDatabaseAway, type TestBed } from '../setup';

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
      return { handle, result: (await handle.result()) as object };
    });
  };
  /** Which time a sweep looked at: what its workflow gave to its activity. */
  const windowOf = async (handle: WorkflowHandle) => {
    const { events } = await handle.fetchHistory();
    const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes);
    const input = scheduled?.activityTaskScheduledEventAttributes?.input?.payloads?.[0]?.data;
    return JSON.parse(Buffer.from(input ?? '').toString()) as { from: string; until: string };
  };
  /** A row as if the order had come so far, and nobody looked after it since. */
  const seed = async (fields: Record<string, unknown>): Promise<string> => {
    const order = newOrder();
    await insertOrderRow(bed.orders, order, {
      policy: { ...DEFAULT_POLICY, dispatchWithinMs: 1_000 },
      dispatchBy: new Date(Date.now() - 30 * 60_000),
      updatedAt: new Date(Date.now() - 30 * 60_000),
      ...fields,
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

  test('is heard of by a process without the order database, which says so once where nobody makes it', async () => {
    const log = silentLogger();
    const errors = jest.spyOn(log, 'error');
    const health = await watchHealthByMessage({ amqpUrl: bed.amqpUrl, log, everyMs: 20 });
    expect(health.state()).toBe('unknown');
    await run(SCHEDULES.checkHealth);
    await eventually(() => health.state() === 'fresh');
    const tell = (body: object) =>
      bed.publisher.publish({
        ...healthCheckedMessage({ at: new Date().toISOString(), critical: 0, warning: 0 }),
        content: Buffer.from(JSON.stringify(body)),
      });
    const at = new Date(Date.now() - 6 * 60_000).toISOString();
    await tell({ at, critical: 0, warning: 0 });
    await eventually(() => health.state() === 'stale');
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]?.[1]).toContain('nobody checks the health of the service');
    // What cannot be read is passed over; a later version may say more.
    const now = new Date().toISOString();
    await tell({ at: now });
    await tell({ at: now, critical: 1, warning: 0, more: true });
    await eventually(() => health.state() === 'fresh');
    // It listens again once its connection is back.
    await tell({ at, critical: 0, warning: 0 });
    await eventually(() => health.state() === 'stale');
    await closeConnections(bed.stack.rabbitmqctl, bed.vhost);
    await eventually(async () => {
      await tell({ at: new Date().toISOString(), critical: 0, warning: 0 });
      return health.state() === 'fresh';
    });
    await health.close();
  });

  test('where it may not be listened for is unknown, and stops no dispatch system', async () => {
    const log = silentLogger();
    const warnings = jest.spyOn(log, 'warn');
    const amqpUrl = `${bed.amqpUrl}-that-is-not-there`;
    const health = await watchHealthByMessage({ amqpUrl, log });
    expect(health.state()).toBe('unknown');
    expect(warnings.mock.calls.at(-1)?.[1]).toContain('a queue of its own is refused');
    await health.close();
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

  test('finds an order that is past its deadline with nobody asked, and not one that waits for a person or for its release', async () => {
    const now = new Date();
    await seed({ status: 'escalated', escalationReason: 'rejected', escalatedAt: now });
    const overdue = await seed({});
    const held = { orderId: await seed({}), heldAt: now };
    const released = { orderId: await seed({}), heldAt: now, releasedAt: now, toldAt: now };
    const { id } = await bed.orders.hold.create({
      data: { heldBy: 'mia', note: 'down', endedAt: now, orders: { create: [held, released] } },
    });
    const findings = (await check()).findings.filter(({ code }) => code === 'ordersOverdue');
    await bed.orders.hold.delete({ where: { id } });
    await bed.orders.order.deleteMany({ where: { status: 'placed' } });
    expect(findings).toMatchObject([{ severity: 'critical' }]);
    expect(findings[0]?.examples?.toSorted()).toEqual([overdue, released.orderId].toSorted());
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
      data: { snoozedUntil: new Date(Date.now() + 3_600_000) },
    });
    expect(await codes()).not.toContain('tasksOverdue');
  });

  test('finds dead letters, events that do not go out, a missing migration and repairs that mend nothing: the worst first', async () => {
    const { orderId } = newOrder();
    const longAgo = new Date(Date.now() - 2 * 60_000);
    await bed.orders.deadLetter.create({
      data: {
        ...{ fingerprint: orderId, sourceQueue: 'dispatch.requests', messageId: `${orderId}.1` },
        ...{ type: 'x', appId: 'x', deadLetterReason: 'x', properties: {}, headers: {} },
        ...{ content: Buffer.from(''), attempts: 1, firstFailedAt: longAgo, lastFailedAt: longAgo },
      },
    });
    // No relay can send it: it is no object.
    await bed.orders.outcomeEvent.create({
      data: { subject: orderId, type: 'order.dispatched.v1', body: 1, createdAt: longAgo },
    });
    await bed.orders.repair.create({
      data: {
        ...{ orderId, found: 'f', done: 'nothing', provenance: 'sweep' },
        ...{ before: {}, after: {}, runId: randomUUID() },
      },
    });
    await bed.orders.$executeRaw`
      CREATE TABLE kept AS SELECT * FROM _prisma_migrations WHERE migration_name LIKE '%_holds'`;
    await bed.orders.$executeRaw`
      DELETE FROM _prisma_migrations WHERE migration_name LIKE '%_holds'`;
    const { findings } = await check();
    await bed.orders.$executeRaw`INSERT INTO _prisma_migrations SELECT * FROM kept`;
    await bed.orders.$executeRaw`DROP TABLE kept`;
    await bed.orders.deadLetter.deleteMany({});
    await bed.orders.outcomeEvent.deleteMany({ where: { subject: orderId } });
    await bed.orders.repair.deleteMany({ where: { orderId } });
    expect(findings.map(({ severity, code }) => [severity, code])).toEqual([
      ['critical', 'openDeadLetters'],
      ['critical', 'eventsBehind'],
      ['critical', 'pendingMigrations'],
      ['warning', 'repairsFailing'],
    ]);
  });

  test('finds a queue whose consumers do not keep up', async () => {
    await bed.dispatchSystem.close();
    const connection = await connect(bed.amqpUrl);
    const channel = await connection.createConfirmChannel();
    await channel.prefetch(1);
    // Takes one, and is never done with it.
    await channel.consume(QUEUES.dispatchRequests, () => {});
    for (let n = 0; n < 1_001; n += 1)
      channel.sendToQueue(QUEUES.dispatchRequests, Buffer.from('x'));
    await channel.waitForConfirms();
    expect((await check()).findings).toContainEqual(
      expect.objectContaining({
        ...{ code: 'queueBacklog', severity: 'warning' },
        what: expect.stringMatching(/^100[01] messages wait in dispatch\.requests$/) as string,
      }),
    );
    await channel.purgeQueue(QUEUES.dispatchRequests);
    channel.ackAll();
    await channel.close();
    await connection.close();
    bed.dispatchSystem = await bed.startDispatchSystem();
  });

  test('finds a queue that nobody consumes, asks a person once, and closes that and tells so when it is gone', async () => {
    const open = () => bed.orders.humanTask.findMany({ where: { taskId: 'health/noConsumer' } });
    // No check of its own comes between those of the test.
    await bed.temporal.schedule.getHandle(SCHEDULES.checkHealth).pause();
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
    const tasks = await open();
    expect(tasks).toMatchObject([{ closedBy: 'answer' }]);
    const told = await eventually(async () => {
      const where = { subject: 'health/noConsumer', type: 'human-task.closed.v1' };
      const events = await bed.orders.outcomeEvent.findMany({ where });
      return events.every(({ sentAt }) => sentAt) && events;
    });
    expect(told.map(({ body }) => body)).toEqual([
      {
        taskId: 'health/noConsumer',
        openedAt: tasks[0]?.openedAt.toISOString(),
        escalationReason: 'unhealthy',
        closedBy: 'answer',
      },
    ]);
    await bed.temporal.schedule.getHandle(SCHEDULES.checkHealth).unpause();
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
      const others = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const client = new Client({ connectionString: url });
          await client.connect();
          return client;
        }),
      );
      const counted = await others[0]?.query<{ used: number }>(
        'SELECT count(*)::int AS used FROM pg_stat_activity WHERE datname = current_database()',
      );
      const used = counted?.rows[0]?.used ?? 0;
      await limitTo(2 * used);
      const half = await codes();
      // Some are left: else nobody could look, or a pool of the service's takes the last one.
      await limitTo(used + 3);
      const { findings } = await check();
      await limitTo(-1);
      await Promise.all(others.map((client) => client.end()));
      expect(half).not.toContain('connectionsScarce');
      expect(findings).toContainEqual(
        expect.objectContaining({
          code: 'connectionsScarce',
          what: expect.stringMatching(
            `\\d+ of ${used + 3} connections of the ${which} database`,
          ) as string,
        }),
      );
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
      expect(report.figures).toMatchObject({
        queues: expect.any(Object) as object,
        connections: { orders: { used: expect.any(Number) as number } },
      });
      expect(report.notChecked).toEqual([]);
    });
  });

  test('finds a workflow whose task fails again and again', async () => {
    const orderId = await seed({});
    await bed.temporal.workflow.start('a workflow that no worker knows', {
      taskQueue: TASK_QUEUES.main,
      workflowId: dispatchOrderWorkflowId(orderId),
    });
    await eventually(async () => (await codes()).includes('workflowsStuck'));
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).terminate();
    await bed.orders.order.deleteMany({ where: { orderId } });
  });

  test('the sweep by the clock finds an order that no workflow looks after, and a courier that nobody asked for, of 70 minutes ago; the order is dispatched', async () => {
    await bed.orders.order.deleteMany({ where: { status: 'escalated' } });
    const updatedAt = new Date(Date.now() - 70 * 60_000);
    const orderId = await seed({ dispatchBy: new Date(Date.now() + 3_600_000), updatedAt });
    const stray = newOrder().orderId;
    await bed.dispatches.dispatch.create({
      data: {
        ...{ orderId: stray, requestId: `${stray}.1`, contentHash: 'x', courierId: 'courier-9' },
        updatedAt,
      },
    });
    const { result, handle } = await run(SCHEDULES.sweepOrders);
    expect(result).toMatchObject({ found: 2 });
    // Where one run is missed, the next one still begins before the end of the one before.
    const { spec } = await bed.temporal.schedule.getHandle(SCHEDULES.sweepOrders).describe();
    const everyMs = Number(spec.intervals?.[0]?.every);
    const { from, until } = await windowOf(handle);
    expect(Date.parse(until) - Date.parse(from)).toBeGreaterThan(2 * everyMs);
    await eventually(
      async () =>
        (await bed.orders.order.findUniqueOrThrow({ where: { orderId } })).status === 'dispatched',
    );
  });
});
