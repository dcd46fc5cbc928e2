import { execFileSync } from 'node:child_process';
import { checkDispatchedOnce } from '../../bench/measure/check';
import { readCpuMs } from '../../bench/measure/cpu';
import { latenciesOf, spreadOf } from '../../bench/measure/spread';
import { newOrder } from '../../bench/order';
import { trendOf } from '../../bench/soak/trend';
import { query } from '../../stack/servers/query';
import { createSurroundings, type Surroundings } from '../setup';

describe('the check of the benchmark', () => {
  let databases: Surroundings;

  beforeAll(async () => {
    databases = await createSurroundings();
  });

  afterAll(() => databases.remove());

  test('passes where every order was dispatched once', async () => {
    await record('once-1', 'dispatched');
    await record('once-2', 'dispatched');
    await dispatch('once-1', 'live');
    await dispatch('once-2', 'live');
    await expect(checkDispatchedOnce(databases, ['once-1', 'once-2'])).resolves.toBeUndefined();
  });

  test('fails for an order that was dispatched twice, though one courier was called back', async () => {
    await record('twice', 'dispatched');
    await dispatch('twice', 'withdrawn');
    await dispatch('twice', 'live');
    await expect(checkDispatchedOnce(databases, ['twice'])).rejects.toThrow(
      '1 of 1 orders were not dispatched exactly once: order twice is dispatched and has 2 dispatches',
    );
  });

  test('fails for an order that was never dispatched', async () => {
    await record('never', 'placed');
    await expect(checkDispatchedOnce(databases, ['never'])).rejects.toThrow(
      'order never is placed and has 0 dispatches',
    );
  });

  test('fails for an order that neither database knows', async () => {
    await expect(checkDispatchedOnce(databases, ['lost'])).rejects.toThrow(
      'order lost is not recorded and has 0 dispatches',
    );
  });

  const record = (orderId: string, status: string) =>
    query(
      databases.ordersDatabaseUrl,
      `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by, status, courier_id,
         dispatched_by)
       VALUES ($1, '', $2, '{}', now(), $3, 'courier-1', 'acknowledgement')`,
      [orderId, newOrder(orderId), status],
    );
  const dispatch = (orderId: string, status: string) =>
    query(
      databases.dispatchDatabaseUrl,
      `INSERT INTO dispatches (order_id, request_id, content_hash, courier_id, status)
       VALUES ($1, $1 || '.1', '', 'courier-1', $2)`,
      [orderId, status],
    );
});

describe('the numbers of the benchmark', () => {
  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('the CPU of a process has that of its children, also when they have ended', () => {
    const before = readCpuMs({ all: process.pid });
    const busy =
      'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);';
    execFileSync(process.execPath, ['-e', busy]);
    const after = readCpuMs({ all: process.pid });
    expect((after['all'] ?? 0) - (before['all'] ?? 0)).toBeGreaterThanOrEqual(300);
  });

  test('percentiles are of the sorted latencies, and rounds come down to median, least and greatest', () => {
    const latencies = Array.from({ length: 1001 }, (_, index) => 1000 - index);
    expect(latenciesOf(latencies)).toEqual({ p50: 500, p99: 990, max: 1000 });
    expect(spreadOf([7, 1, 4])).toEqual({ median: 4, min: 1, max: 7 });
  });

  test('a trend is of what came after the first third', () => {
    const at = (minute: number, value: number) => ({ atMs: minute * 60_000, value });
    const warmingUp = [at(0, 90), at(10, 190)];
    const trend = trendOf([...warmingUp, at(20, 200), at(30, 201), at(60, 204)]);
    expect(trend.from).toBeCloseTo(200);
    expect(trend.to).toBeCloseTo(204);
    expect(trend.slopePerHour).toBeCloseTo(6);
    expect(() => trendOf([at(0, 1)])).toThrow('too short');
  });
});
