import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../stack/progress';
import type { ContestantName } from './contestants';
import { COUNTS_SETTLE_MS } from './measure/counts';
import { spreadOf, type Spread } from './measure/spread';
import { RunningContestant, type CostPerOrder, type Measurement } from './running-contestant';
import type { Servers } from './servers';

/** How contestants are compared. */
export interface ComparisonOptions {
  contestants: readonly ContestantName[];
  rounds: number;
  /** Orders of one contestant in one round, for each number in flight. */
  orders: number;
  /** At most so many orders for each in flight. */
  ordersPerPlace: number;
  inFlight: readonly number[];
}

/** What the rounds made of one contestant with so many orders in flight. */
export interface LevelResult {
  inFlight: number;
  ordersPerSecond: Spread;
  latencyMs: { p50: Spread; p99: Spread; max: Spread };
  /** By process. */
  cpuMsPerOrder: Record<string, Spread>;
}

/** What is known of one contestant in the end. */
export interface ContestantResult {
  name: ContestantName;
  levels: LevelResult[];
  costPerOrder: CostPerOrder;
}

/** Orders that warm a contestant up, with as many in flight as there will ever be. */
const WARM_UP_ORDERS = 300;

/**
 * Compares contestants on the same servers. All are up all the time, each idle while another runs;
 * they take turns in each round, another one first each time, so that what the machine does
 * meanwhile meets all of them.
 */
export async function compare(
  servers: Servers,
  options: ComparisonOptions,
  progress: Progress,
): Promise<ContestantResult[]> {
  const { rounds, inFlight } = options;
  if (options.contestants.length === 0) return [];
  progress('bringing up the contestants');
  const running = await Promise.all(
    options.contestants.map((name) => RunningContestant.start(servers, name)),
  );
  for (const contestant of running) {
    progress(`warming up ${contestant.name}`);
    const orders = Math.min(WARM_UP_ORDERS, Math.ceil(options.orders / 2));
    await contestant.measure({ orders, inFlight: Math.max(...inFlight) });
  }
  const measured = new Map(
    running.map(({ name }) => [name, inFlight.map((): Measurement[] => [])]),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const [level, places] of inFlight.entries()) {
      const orders = Math.min(options.orders, places * options.ordersPerPlace);
      for (const contestant of rotated(running, round + level)) {
        const measurement = await contestant.measure({ orders, inFlight: places });
        measured.get(contestant.name)?.[level]?.push(measurement);
        const speed = measurement.ordersPerSecond.toFixed(1);
        progress(
          `round ${round + 1} of ${rounds}, ${places} in flight: ${contestant.name} ${speed}/s`,
        );
      }
    }
  }
  await sleep(COUNTS_SETTLE_MS);
  const results: ContestantResult[] = [];
  for (const contestant of running) {
    const { name } = contestant;
    const levels = (measured.get(name) ?? []).map((measurements, level) =>
      summarise(inFlight[level] ?? 0, measurements),
    );
    const costPerOrder = await contestant.costPerOrder();
    results.push({ name, levels, costPerOrder });
    await contestant.close();
  }
  return results;
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** What the rounds make of each number. */
export function summarise(inFlight: number, measurements: readonly Measurement[]): LevelResult {
  const spread = (read: (measurement: Measurement) => number) => spreadOf(measurements.map(read));
  const processes = Object.keys(measurements[0]?.cpuMsPerOrder ?? {});
  return {
    inFlight,
    ordersPerSecond: spread(({ ordersPerSecond }) => ordersPerSecond),
    latencyMs: {
      p50: spread(({ latencyMs }) => latencyMs.p50),
      p99: spread(({ latencyMs }) => latencyMs.p99),
      max: spread(({ latencyMs }) => latencyMs.max),
    },
    cpuMsPerOrder: Object.fromEntries(
      processes.map((name) => [name, spread(({ cpuMsPerOrder }) => cpuMsPerOrder[name] ?? 0)]),
    ),
  };
}
