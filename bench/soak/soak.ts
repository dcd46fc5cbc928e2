import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { Customers } from '../../chaos/customers';
import { People } from '../../chaos/people';
import { OrderDispatchClient } from '../../client';
import { openOrdersDatabase } from '../../database/orders/connection';
import { defined } from '../../domain/defined';
import { packageRoot } from '../../runtime/package-root';
import { PROCESS_NAMES } from '../../stack/processes';
import type { Progress } from '../../stack/progress';
import { freePort } from '../../stack/servers/ports';
import { openConnection } from '../../temporal/connection';
import { latenciesOf } from '../measure/spread';
import type { Servers, Surroundings } from '../servers';
import { Load } from './load';
import type { SoakOptions } from './options';
import { addReadings, noReadings } from './readings';
import { DESCRIPTORS_MORE, TABLE_MORE_MIB, type Course, type SoakReport } from './report';
import { trendOf, type Sample, type Trend } from './trend';

/** How long it is measured how many orders per second the service takes, and how many are under way then. */
const FULL_LOAD = { forMs: 20_000, inFlight: 64 };

/** How often all is read, in ms. */
const SAMPLE_EVERY_MS = 5_000;

/** Orders per second of the customers beside, who see to it that orders meet everything. */
const MEANWHILE_PER_SECOND = 1;

/** Those that have rows for each order, task, act, finding or look at the service's health. */
const TABLES_THAT_GROW = new Set([
  ...['orders', 'acknowledgements', 'outcome_events', 'human_tasks', 'audit', 'repairs'].map(
    (name) => `orders: ${name}`,
  ),
  ...['dead_letters', 'bulk_runs', 'bulk_rows', 'health_reports'].map((name) => `orders: ${name}`),
  ...['dispatches', 'inbox'].map((name) => `dispatch: ${name}`),
]);

/** Runs the service at half load for a while, and says how memory, descriptors and tables went. */
export async function soak(
  servers: Servers,
  options: Omit<SoakOptions, 'json'>,
  progress: Progress,
): Promise<SoakReport> {
  const surroundings = await servers.createSurroundings('soak');
  const { pids, apiUrl } = await startProcesses(servers, surroundings);
  const { temporalAddress: address, namespace, ordersDatabaseUrl } = surroundings;
  const connection = await openConnection({ address });
  const client = new OrderDispatchClient({ connection, namespace });
  const temporal = new Client({ connection, namespace });
  const database = openOrdersDatabase({ url: ordersDatabaseUrl });
  const load = new Load(client);
  const seed = 1;
  const customers = new Customers({ client, seed, apiUrls: [apiUrl] });
  const people = new People({ client, temporal, database, seed });
  try {
    const { minutes, growthMib } = options;
    const fullRate = options.rate === undefined ? await load.full(FULL_LOAD) : undefined;
    const rate = options.rate ?? (fullRate ?? 0) / 2;
    progress(`${rate.toFixed(1)} orders per second for ${minutes} minutes`);
    const overMs = minutes * 60_000;
    const readings = noReadings();
    const working = people.work();
    const began = performance.now();
    const read = async () => {
      for (let next = 0; next <= overMs; next += SAMPLE_EVERY_MS) {
        await sleep(Math.max(0, began + next - performance.now()));
        await addReadings(readings, { pids, surroundings, atMs: performance.now() - began });
      }
    };
    const [latenciesMs] = await Promise.all([
      load.steady({ perSecond: rate, forMs: overMs }),
      customers.placeAll({ orders: Math.ceil((overMs / 1_000) * MEANWHILE_PER_SECOND), overMs }),
      read(),
    ]);
    people.end();
    await customers.end();
    await working;
    const isGrown = ({ from, to }: Trend, by: number) => to - from > by;
    const memoryMiB = coursesOf(readings.memoryMiB, (trend) => !isGrown(trend, growthMib));
    return {
      minutes,
      rate,
      ...defined({ fullRate }),
      orders: latenciesMs.length,
      latencyMs: latenciesOf(latenciesMs),
      meanwhile: { orders: customers.placed.size, decisions: people.decided.length },
      samples: Object.values(readings.memoryMiB)[0]?.length ?? 0,
      growthMib,
      memoryMiB,
      descriptors: coursesOf(readings.descriptors, (trend) => !isGrown(trend, DESCRIPTORS_MORE)),
      tablesMiB: coursesOf(
        readings.tablesMiB,
        (trend, name) => TABLES_THAT_GROW.has(name) || !isGrown(trend, TABLE_MORE_MIB),
      ),
    };
  } finally {
    people.end();
    await database.close();
    await connection.close();
  }
}

/** One of each. */
async function startProcesses(servers: Servers, surroundings: Surroundings) {
  const apiPort = await freePort();
  const environment = {
    API_PORT: String(apiPort),
    DISPATCH_SYSTEM_DECIDE_MODULE: join(packageRoot(), 'dist', 'chaos', 'decide.js'),
  };
  const pids: Record<string, number> = {};
  for (const name of PROCESS_NAMES) {
    pids[name] = (await servers.startProcess(name, surroundings, environment)).pid;
  }
  return { pids, apiUrl: `http://127.0.0.1:${apiPort}` };
}

function coursesOf(
  samples: Readonly<Record<string, readonly Sample[]>>,
  isFine: (trend: Trend, name: string) => boolean,
): Course[] {
  return Object.entries(samples).map(([name, each]) => {
    const trend = trendOf(each);
    return { name, ...trend, isFine: isFine(trend, name), read: each };
  });
}
