import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { OrderDispatchClient } from '../client';
import { openDispatchView } from '../database/dispatch/dispatch-view';
import { openOrdersDatabase } from '../database/orders/connection';
import { readTimeline, type Timeline } from '../operations/timeline';
import { sweep, type SweepOptions } from '../reconciliation/sweep';
import type { Progress } from '../stack/progress';
import { query } from '../stack/servers/query';
import { unlessStopped } from '../stack/supervision/run-command';
import { openConnection } from '../temporal/connection';
import { checkAll, type Check } from './checks';
import { Customers } from './customers';
import { faultOf, planFaults, type PlannedFault } from './faults';
import { openField, type Field } from './field';
import type { ChaosOptions } from './options';
import { People } from './people';
import { Strays } from './strays';

/** A fault that came, and how long it was until an order placed after it was dispatched. */
export interface SufferedFault extends Pick<PlannedFault, 'name' | 'atMs'> {
  what: string;
  victim: string;
  lastedMs: number;
  /** From its end, in ms; absent where the probe was lost to the next fault. */
  recoveredMs?: number;
}

/** What a run came to. */
export interface ChaosReport {
  seed: number;
  orders: number;
  faults: SufferedFault[];
  /** Each process, and how often it was started. */
  starts: Record<string, number>;
  /** How orders ended, by status. */
  statuses: Record<string, number>;
  decisions: number;
  bulkRuns: number;
  repairs: number;
  deadLetters: number;
  strays: Record<string, number>;
  /** From the last fault's end until it was quiet, in ms; absent where it never was. */
  quietMs?: number;
  checks: Check[];
  /** Of the first orders that break something. */
  timelines: Timeline[];
}

/** Orders whose story is told. */
const TOLD = 5;

const DAY_MS = 24 * 60 * 60_000;

/** How often it is looked whether all is quiet, in ms. */
const LOOK_EVERY_MS = 1_000;

/** How long nothing may be left until it counts as quiet, in ms: the broker counts every 5 s only. */
const QUIET_FOR_MS = 6_000;

/** Runs the service under faults, lets it go quiet, and looks at what is left. */
export async function runChaos(
  options: ChaosOptions,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<ChaosReport> {
  const { seed, bugs, patience } = options;
  const field = await openField({
    progress,
    signal,
    patience,
    processes: {
      worker: options.workers,
      'dispatch-system': options.dispatchSystems,
      supplement: options.supplements,
      api: options.apis,
    },
    environmentOf: (kind, index) => {
      const bug = kind === 'dispatch-system' ? bugs[index % bugs.length] : undefined;
      return bug === undefined ? {} : { ORDER_DISPATCH_DELIBERATE_BUG: bug };
    },
  });
  const { temporalAddress: address, ordersDatabaseUrl, amqpUrl } = field.direct;
  const connection = await openConnection({ address });
  const temporal = new Client({ connection, namespace: field.namespace });
  const client = new OrderDispatchClient({
    connection,
    namespace: field.namespace,
    callTimeoutMs: 15_000 * patience,
  });
  const database = openOrdersDatabase({ url: ordersDatabaseUrl });
  const { dispatchDatabaseUrl } = field.direct;
  const dispatchView = openDispatchView({ url: dispatchDatabaseUrl });
  const customers = new Customers({
    client,
    seed,
    patience,
    only: options.patient ? 'patient' : 'any',
    apiUrls: field.of('api').flatMap(({ apiUrl }) => apiUrl ?? []),
  });
  const people = new People({ client, temporal, database, seed });
  const strays = new Strays({ amqpUrl, dispatchDatabaseUrl, seed });
  const deleted = new Set<string>();
  try {
    return await unlessStopped(signal, async () => {
      const working = Promise.all([people.work(), ...(options.patient ? [] : [strays.work()])]);
      // Heard below: a failure before that would end the process, and leave the servers behind.
      working.catch(() => {});
      const { quietWithinMs } = options;
      const run = { field, customers, progress, deleted, quietWithinMs };
      const [faults] = await Promise.all([
        sufferAll(run, options),
        customers.placeAll({ orders: options.orders, overMs: options.minutes * 60_000 }),
      ]);
      progress(`all ${customers.placed.size} orders are placed; the faults are over`);
      strays.end();
      await Promise.all(field.members.map((member) => member.untilReady()));
      const began = Date.now();
      const sources = { orders: database, dispatchView, temporal };
      const quietSince = await untilQuiet(field, { ...sources, withinMs: quietWithinMs, progress });
      const quietMs = quietSince && quietSince - began;
      people.end();
      await customers.end();
      await working;
      progress(quietMs ? `quiet after ${Math.round(quietMs / 1_000)} s` : 'it does not get quiet');
      const witness = { field, client, temporal, customers, people, strays, deleted };
      const checks = await checkAll(witness);
      return {
        seed,
        orders: options.orders,
        faults,
        starts: Object.fromEntries(field.members.map(({ name, starts }) => [name, starts()])),
        ...(await countWhatCame(field)),
        decisions: people.decided.length,
        bulkRuns: people.bulkRuns,
        strays: strays.sent,
        ...(quietMs && { quietMs }),
        checks,
        timelines: await tellOffenders(checks, { temporal, database }),
      };
    });
  } finally {
    people.end();
    strays.end();
    await connection.close();
    await database.close();
    await dispatchView.close();
    await field.end();
  }
}

interface UnderWay {
  field: Field;
  customers: Customers;
  progress: Progress;
  deleted: Set<string>;
  /** A probe that takes longer is not waited for. */
  quietWithinMs: number;
}

async function sufferAll(run: UnderWay, options: ChaosOptions): Promise<SufferedFault[]> {
  const { seed, faults: names, minutes } = options;
  const planned = planFaults(seed, { names, forMs: minutes * 60_000 });
  const began = Date.now();
  return Promise.all(
    planned.map(async (fault, index) => {
      await sleep(Math.max(0, began + fault.atMs - Date.now()));
      return suffer(run, fault, index);
    }),
  );
}

async function suffer(
  { field, customers, progress, deleted, quietWithinMs }: UnderWay,
  planned: PlannedFault,
  index: number,
): Promise<SufferedFault> {
  const { name, atMs, lastsMs, at } = planned;
  const { what, begin } = faultOf(name);
  const began = Date.now();
  // What two faults are about (a broker that is killed as its alarm goes off) may fail; both are over then.
  const { victim, end } = await begin(field, at).catch((error: unknown) => ({
    victim: `did not come: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    end: () => Promise.resolve(),
  }));
  progress(`${name}: ${victim}`);
  if (name === 'deleteRows') for (const orderId of victim.split(', ')) deleted.add(orderId);
  await sleep(lastsMs);
  await end().catch((error: unknown) => progress(`${name} does not end: ${String(error)}`));
  const lastedMs = Date.now() - began;
  const probe = await Promise.race([
    customers.probe(`probe${index}`),
    sleep(quietWithinMs, undefined, { ref: false }),
  ]);
  const suffered = { name, what, victim, atMs, lastedMs };
  return probe === undefined ? suffered : { ...suffered, recoveredMs: probe.tookMs };
}

/**
 * Waits until nobody waits for anything any more: no message, no order or task under way, no event.
 *
 * @returns since when it is so; `undefined` where for so long nothing of what is left got less.
 */
async function untilQuiet(
  field: Field,
  given: Pick<SweepOptions, 'orders' | 'dispatchView' | 'temporal'> & {
    withinMs: number;
    progress: Progress;
  },
): Promise<number | undefined> {
  const { withinMs, progress, ...sources } = given;
  const quietForMs = QUIET_FOR_MS * field.patience;
  let deadline = Date.now() + withinMs;
  let fewest = Infinity;
  let quietSince: number | undefined;
  for (;;) {
    const left = await whatIsLeft(field, sources.temporal);
    const howMuch = left.reduce((sum, { count }) => sum + count, 0);
    if (howMuch < fewest) {
      fewest = howMuch;
      deadline = Date.now() + withinMs;
    }
    // What no message brings up, the sweep by the clock finds: here at the end, and until it finds nothing.
    if (howMuch > 0 || (await sweepAll(sources)) > 0) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && Date.now() - quietSince > quietForMs) return quietSince;
    if (Date.now() > deadline) {
      const named = left.map(({ count, what }) => `${count} ${what}`).join('; ');
      progress(`left: ${named || 'what the sweep finds'}`);
      return undefined;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** @returns how many orders did not look right. */
async function sweepAll(
  sources: Pick<SweepOptions, 'orders' | 'dispatchView' | 'temporal'>,
): Promise<number> {
  const from = new Date(Date.now() - DAY_MS);
  const { found } = await sweep({ ...sources, from, until: new Date() });
  return found.length;
}

/** A task that is open is a workflow that runs. */
async function whatIsLeft(
  field: Field,
  temporal: Client,
): Promise<{ count: number; what: string }[]> {
  const [queues, running, [unsent]] = await Promise.all([
    field.services.rabbitmq.queues(field.vhost).catch(() => [{ name: 'the broker', messages: 1 }]),
    temporal.workflow.count("ExecutionStatus = 'Running'"),
    query<{ count: number }>(
      field.direct.ordersDatabaseUrl,
      'SELECT count(*)::int AS count FROM outcome_events WHERE sent_at IS NULL',
    ),
  ]);
  return [
    ...queues.map(({ name, messages }) => ({ count: messages, what: `in ${name}` })),
    { count: running.count, what: 'workflows' },
    { count: unsent?.count ?? 0, what: 'unsent events' },
  ].filter(({ count }) => count > 0);
}

async function countWhatCame({
  direct,
}: Field): Promise<Pick<ChaosReport, 'statuses' | 'repairs' | 'deadLetters'>> {
  const count = async (table: string) => {
    const [row] = await query<{ count: number }>(
      direct.ordersDatabaseUrl,
      `SELECT count(*)::int AS count FROM ${table}`,
    );
    return row?.count ?? 0;
  };
  const statuses = await query<{ status: string; count: number }>(
    direct.ordersDatabaseUrl,
    'SELECT status, count(*)::int AS count FROM orders GROUP BY status ORDER BY status',
  );
  return {
    statuses: Object.fromEntries(statuses.map((row) => [row.status, row.count])),
    repairs: await count('repairs'),
    deadLetters: await count('dead_letters'),
  };
}

/** What happened to the first orders that break something. */
async function tellOffenders(
  checks: readonly Check[],
  sources: { temporal: Client; database: ReturnType<typeof openOrdersDatabase> },
): Promise<Timeline[]> {
  const orderIds = new Set(
    checks.flatMap(({ offenders }) => offenders.flatMap(({ orderId }) => orderId ?? [])),
  );
  const told = await Promise.all(
    [...orderIds]
      .slice(0, TOLD)
      .map((orderId) =>
        readTimeline({ temporal: sources, orders: sources.database }, orderId).catch(
          () => undefined,
        ),
      ),
  );
  return told.filter((timeline) => timeline !== undefined);
}
