import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveHealth } from '../../runtime/health';
import { silentLogger } from '../../runtime/logger';
import { showReport } from '../../runtime/metrics';
import { watchHealthReport } from '../../runtime/report-watch';
import { HEALTH_STALE_AFTER_MS, type HealthReport } from '../../domain/health';
import { OrderDispatchClient } from '../../client';
import { openOrdersRows } from '../rows';
import { startProcess, type TestProcess } from '../processes';
import { createSurroundings, eventually, newOrder, type Surroundings } from '../setup';

const ROOT = join(__dirname, '..', '..');
const ALERTS = join(ROOT, 'deploy/alerts.yaml');

const portOf = (process: TestProcess) => Number(/"healthPort":(\d+)/.exec(process.output())?.[1]);
const get = async (process: TestProcess, path: string) => {
  const response = await fetch(`http://127.0.0.1:${portOf(process)}${path}`);
  return { status: response.status, text: await response.text() };
};
const namesIn = (text: string) => new Set(text.match(/\border_dispatch_[a-z_]+/g));

const report = (agoMs: number): HealthReport => ({
  at: new Date(Date.now() - agoMs).toISOString(),
  findings: [{ code: 'openDeadLetters', severity: 'critical', what: 'w', whatToDo: 'd' }],
  figures: {
    orders: { placed: 3 },
    openTasks: { rejected: 2 },
    openDeadLetters: 7,
    held: 0,
    queues: { 'dispatch.requests': { messages: 5, consumers: 1 } },
    connections: { orders: { used: 4, maximum: 97 } },
    copyLagMs: 1_000,
    acknowledgementMs: { p50: 20, p99: 1_500, answers: 9 },
    eventsBehindMs: 2_000,
  },
  notChecked: [],
});

describe('the metrics of processes', () => {
  let surroundings: Surroundings;
  let processes: Record<'worker' | 'dispatch-system' | 'supplement', TestProcess>;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    const rows = openOrdersRows(surroundings.ordersDatabaseUrl);
    await rows.healthReport.create({ data: { report: report(0) as never } });
    await rows.$disconnect();
    const start = (name: keyof typeof processes) =>
      startProcess(name, surroundings, { HEALTH_PORT: '0' });
    processes = {
      worker: start('worker'),
      'dispatch-system': start('dispatch-system'),
      supplement: start('supplement'),
    };
    await Promise.all(Object.values(processes).map(({ ready }) => ready));
  });
  afterAll(async () => {
    for (const process of Object.values(processes)) process.kill('SIGTERM');
    await Promise.all(Object.values(processes).map(({ exited }) => exited));
    await surroundings.remove();
  });

  test('count what is published, consumed and answered, and show the last health report', async () => {
    const client = await OrderDispatchClient.connect({
      address: surroundings.stack.temporalAddress,
      namespace: surroundings.namespace,
    });
    await (await client.placeOrder(newOrder())).result();
    await client.close();
    // Also the order's event, which no queue is bound to.
    const worker = await eventually(async () => {
      const { text } = await get(processes.worker, '/metrics');
      return text.includes('order_dispatch_publishes_total{result="unroutable"} 1') && text;
    });
    expect(worker).toContain('order_dispatch_ready 1');
    expect(worker).toContain('order_dispatch_publishes_total{result="confirmed"} 1');
    expect(worker).toContain('order_dispatch_acknowledgements_total{class="first"} 1');
    expect(worker).toContain(
      'order_dispatch_consumed_messages_total{queue="order-dispatch.acknowledgements",result="acked"} 1',
    );
    expect(worker).toContain('order_dispatch_open_dead_letters 7');
    expect(worker).toContain('order_dispatch_orders{status="placed"} 3');
    const system = (await get(processes['dispatch-system'], '/metrics')).text;
    expect(system).toContain(
      'order_dispatch_consumed_messages_total{queue="dispatch.requests",result="acked"} 1',
    );
    await eventually(async () =>
      (await get(processes.supplement, '/metrics')).text.includes(
        'order_dispatch_health_findings{code="openDeadLetters",severity="critical"} 1',
      ),
    );
  });

  test('have those of Node and of Temporal’s SDK beside our own', async () => {
    for (const name of ['worker', 'supplement'] as const) {
      const { text } = await get(processes[name], '/metrics');
      expect(text).toMatch(/^temporal_/m);
      expect(text).toMatch(/^process_resident_memory_bytes /m);
    }
    expect((await get(processes['dispatch-system'], '/metrics')).text).toMatch(/^nodejs_/m);
  });

  test('are all in the document, and it names no other; the alerts stand on those that there are', async () => {
    const { text } = await get(processes.worker, '/metrics');
    const exposed = namesIn(text);
    expect(namesIn(readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8'))).toEqual(exposed);
    const alerts = namesIn(readFileSync(ALERTS, 'utf8'));
    expect(alerts.size).toBeGreaterThan(5);
    for (const name of alerts) expect(exposed).toContain(name);
  });

  test('each alert has a severity and a line of runbook, and promtool takes them where there is one', () => {
    const rules = readFileSync(ALERTS, 'utf8').split('- alert: ').slice(1);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      expect(rule).toMatch(/^ +expr: .+$/m);
      expect(rule).toMatch(/^ +severity: (?:critical|warning)$/m);
      expect(rule).toMatch(/^ +runbook: .{20,}$/m);
    }
    const promtool = spawnSync('promtool', ['check', 'rules', ALERTS], { encoding: 'utf8' });
    const isMissing = (promtool.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
    if (!isMissing) expect(promtool).toMatchObject({ status: 0 });
  });

  test('/ready says whether anybody checks the health of the service', async () => {
    const { status, text } = await get(processes.worker, '/ready');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ status: 'up', healthReport: 'fresh' });
    // It has no order database, and has heard of no check yet.
    const { text: heard } = await get(processes['dispatch-system'], '/ready');
    expect(JSON.parse(heard)).toEqual({ status: 'up', healthReport: 'unknown' });
    expect((await get(processes.worker, '/live')).status).toBe(200);
    expect((await get(processes.worker, '/other')).status).toBe(404);
  });
});

describe('a health check that nobody makes', () => {
  test('is missed by each process: it says so once, in its log and in /ready, until there is one', async () => {
    let last: HealthReport | undefined = report(10 * 60_000);
    const log = silentLogger();
    const errors = jest.spyOn(log, 'error');
    const watch = watchHealthReport({ readLast: () => Promise.resolve(last), log, everyMs: 10 });
    await eventually(() => watch.state() === 'stale');
    const health = await serveHealth({
      ...{ host: '127.0.0.1', port: 0 },
      ready: () => true,
      details: () => ({ healthReport: watch.state() }),
    });
    const read = async (path: string) =>
      (await fetch(`http://127.0.0.1:${health.port}${path}`)).text();
    expect(JSON.parse(await read('/ready'))).toEqual({ status: 'up', healthReport: 'stale' });
    const stale = await read('/metrics');
    expect(stale).toMatch(/^order_dispatch_health_report_age_seconds 6\d\d/m);
    // What was so ten minutes ago is not said to be so now.
    expect(stale).not.toContain('order_dispatch_orders{');
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]?.[1]).toContain('nobody checks the health of the service');
    last = report(0);
    await eventually(() => watch.state() === 'fresh');
    expect(await read('/metrics')).toContain('order_dispatch_orders{status="placed"} 3');
    watch.close();
    await health.close();
  });

  test('is missed, too, where there never was one: five minutes after the start of the process', async () => {
    jest.useFakeTimers();
    const log = silentLogger();
    const errors = jest.spyOn(log, 'error');
    const watch = watchHealthReport({ readLast: () => Promise.resolve(undefined), log });
    try {
      await jest.advanceTimersByTimeAsync(HEALTH_STALE_AFTER_MS);
      expect([watch.state(), errors.mock.calls.length]).toEqual(['unknown', 0]);
      await jest.advanceTimersByTimeAsync(HEALTH_STALE_AFTER_MS);
      expect([watch.state(), errors.mock.calls.length]).toEqual(['stale', 1]);
    } finally {
      watch.close();
      jest.useRealTimers();
    }
  });

  test('what is gone from the report is gone from the metrics', async () => {
    showReport(report(0), 0);
    const gone = { ...report(0), findings: [], figures: {} };
    showReport(gone, 0);
    const health = await serveHealth({ host: '127.0.0.1', port: 0, ready: () => false });
    const text = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text();
    expect(text).not.toContain('openDeadLetters');
    expect(text).toContain('order_dispatch_ready 0');
    await health.close();
  });
});
