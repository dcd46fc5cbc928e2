import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../runtime/package-root';
import type { Progress } from '../../stack/progress';
import { summarise, type LevelResult } from '../comparison';
import { RunningContestant, type Measurement } from '../running-contestant';
import type { Servers, Surroundings } from '../servers';
import { writeOldOrders } from './old-orders';

/** The service on databases with and without a past. */
export interface MillionResult {
  oldOrders: number;
  /** How many orders of today each `sweep` looked at. */
  sweptOrders: number;
  withoutPast: PastResult;
  withPast: PastResult;
}

interface PastResult {
  busy: LevelResult;
  /** `sweep` over the orders of today, in ms, the command's own start included. */
  sweepMs: number;
}

/** Measures two of the service in turns, one of which has old orders in its databases. */
export async function measureMillion(
  servers: Servers,
  options: { oldOrders: number; orders: number; inFlight: number; rounds: number },
  progress: Progress,
): Promise<MillionResult> {
  const { oldOrders, orders, inFlight, rounds } = options;
  const withoutPast = await RunningContestant.start(servers, 'service', 'without-past');
  const withPast = await RunningContestant.start(servers, 'service', 'with-past');
  progress(`million: writing ${oldOrders} old orders`);
  await writeOldOrders(withPast.surroundings, oldOrders);

  const both = [
    { service: withoutPast, measurements: [] as Measurement[] },
    { service: withPast, measurements: [] as Measurement[] },
  ] as const;
  for (const { service } of both) await service.measure({ orders, inFlight });
  for (let round = 1; round <= rounds; round += 1) {
    for (const { service, measurements } of both) {
      const measurement = await service.measure({ orders, inFlight });
      measurements.push(measurement);
      const speed = measurement.ordersPerSecond.toFixed(1);
      progress(`million: round ${round} of ${rounds}: ${service.surroundings.vhost} ${speed}/s`);
    }
  }
  const resultOf = async ({ service, measurements }: (typeof both)[number]) => ({
    busy: summarise(inFlight, measurements),
    sweepMs: await timeSweep(servers, service.surroundings),
  });
  const result = {
    oldOrders,
    sweptOrders: withPast.placed,
    withoutPast: await resultOf(both[0]),
    withPast: await resultOf(both[1]),
  };
  await Promise.all(both.map(({ service }) => service.close()));
  return result;
}

async function timeSweep(servers: Servers, surroundings: Surroundings): Promise<number> {
  const { temporalAddress, namespace, ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
  const start = performance.now();
  await execa(
    process.execPath,
    [
      join(packageRoot(), 'dist', 'cli', 'main.js'),
      ...['sweep', '--days', '1', '--minutes', '0', '--from', 'environment'],
      ...['--address', temporalAddress, '--namespace', namespace],
    ],
    {
      // Where no local stack is found.
      cwd: servers.scope.directory,
      env: { ORDERS_DATABASE_URL: ordersDatabaseUrl, DISPATCH_DATABASE_URL: dispatchDatabaseUrl },
    },
  );
  return performance.now() - start;
}
