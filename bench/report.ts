import Table from 'cli-table3';
import type { ContestantResult, LevelResult } from './comparison';
import type { Machine } from './machine';
import type { CopiesResult } from './scenarios/copies';
import type { BacklogResult } from './scenarios/backlog';
import type { KillResult } from './scenarios/kill';
import type { MemoryResult } from './scenarios/memory';
import type { MillionResult } from './scenarios/million';
import { CONTESTANTS, describeContestants } from './contestants';
import { RESULT_CALLS } from './measure/counts';
import type { Spread } from './measure/spread';
import type { CostPerOrder } from './running-contestant';

/** The processes of the CPU table, in its order. */
const PROCESSES = ['client', 'worker', 'dispatch system', 'Temporal', 'PostgreSQL', 'RabbitMQ'];

/** Everything that was measured: what `--json` prints. */
export interface Report {
  machine: Machine;
  /** How often, and how many orders of each contestant each time at the most. */
  rounds: number;
  orders: number;
  contestants: ContestantResult[];
  memory?: MemoryResult;
  kill?: KillResult;
  backlog?: BacklogResult;
  million?: MillionResult;
  copies?: CopiesResult;
}

/** The report for a person. */
export function reportText(report: Report): string {
  const { machine, rounds, orders, contestants, memory, kill, million, copies, backlog } = report;
  return [
    Object.entries({ ...machine, rounds, 'orders a round': orders })
      .map(([name, what]) => `${name}: ${what}`)
      .join(', '),
    ...(contestants.length > 0 ? comparisonTexts(contestants) : []),
    ...(memory ? [memoryText(memory)] : []),
    ...(kill ? [killText(kill)] : []),
    ...(backlog ? [backlogText(backlog)] : []),
    ...(million ? [millionText(million)] : []),
    ...(copies ? [copiesText(copies)] : []),
  ].join('\n\n');
}

/** Speed and latency by orders in flight, CPU, and what one order costs. */
function comparisonTexts(results: readonly ContestantResult[]): string[] {
  const levels = results[0]?.levels ?? [];
  return [
    describeContestants(results.map(({ name }) => name)),
    ...levels.map(({ inFlight }, level) =>
      titled(
        inFlight === 1 ? 'One order at a time' : `${inFlight} orders in flight`,
        speedTable(results, level),
      ),
    ),
    ...levels.map(({ inFlight }, level) =>
      titled(`CPU per order in ms, ${inFlight} in flight`, cpuTable(results, level)),
    ),
    titled('What one order takes', costTable(results)),
  ];
}

function speedTable(results: readonly ContestantResult[], level: number): string {
  const ceiling = results.find(({ name }) => name === 'ceiling')?.levels[level];
  const table = newTable(['', 'orders/s', 'of the ceiling', 'p50, ms', 'p99, ms', 'max, ms']);
  for (const { name, levels } of results) {
    const result = levels[level];
    if (!result) continue;
    const { ordersPerSecond, latencyMs } = result;
    table.push([
      CONTESTANTS[name].title,
      shown(ordersPerSecond),
      ceiling ? (ordersPerSecond.median / ceiling.ordersPerSecond.median).toFixed(2) : '-',
      shown(latencyMs.p50),
      shown(latencyMs.p99),
      shown(latencyMs.max),
    ]);
  }
  return table.toString();
}

function cpuTable(results: readonly ContestantResult[], level: number): string {
  const table = newTable(['', ...PROCESSES, 'all']);
  for (const { name, levels } of results) {
    const cpu = levels[level]?.cpuMsPerOrder ?? {};
    const cells = PROCESSES.map((process) => (cpu[process] ? shown(cpu[process]) : '-'));
    table.push([CONTESTANTS[name].title, ...cells, totalCpu(levels[level]).toFixed(1)]);
  }
  return table.toString();
}

/** Of the medians, in ms per order. */
function totalCpu(level: LevelResult | undefined): number {
  return Object.values(level?.cpuMsPerOrder ?? {}).reduce((sum, { median }) => sum + median, 0);
}

function costTable(results: readonly ContestantResult[]): string {
  const table = newTable([
    '',
    'events',
    'workflow tasks',
    'Temporal calls',
    'and by result()',
    'SQL statements',
    'AMQP publishes',
  ]);
  for (const { name, costPerOrder } of results) {
    const { events, workflowTasks, sqlStatements, amqpPublishes } = costPerOrder;
    const { title, dispatches } = CONTESTANTS[name];
    const calls = callsOf(costPerOrder);
    table.push([
      title,
      count(events),
      count(workflowTasks),
      count(calls?.own),
      count(calls?.byResult),
      count(dispatches ? sqlStatements : undefined),
      count(dispatches ? amqpPublishes : undefined),
    ]);
  }
  return table.toString();
}

function callsOf({ temporalCalls }: CostPerOrder): { own: number; byResult: number } | undefined {
  if (!temporalCalls) return undefined;
  const calls = { own: 0, byResult: 0 };
  for (const [call, number] of Object.entries(temporalCalls)) {
    calls[RESULT_CALLS.includes(call) ? 'byResult' : 'own'] += number;
  }
  return calls;
}

function memoryText(results: MemoryResult): string {
  const table = newTable(['orders that wait for people', "the worker's memory, MiB"]);
  for (const { waiting, workerMiB } of results) table.push([waiting, number(workerMiB)]);
  return titled('Memory', table.toString());
}

function killText({ inFlight, undisturbedMs, killedMs }: KillResult): string {
  const table = newTable([`${inFlight} orders in flight, two workers`, 'until all are final, ms']);
  table.push(['both go on', shown(undisturbedMs)], ['one is killed (SIGKILL)', shown(killedMs)]);
  return titled('Death of a worker', table.toString());
}

function backlogText(result: BacklogResult): string {
  const { backlog, drainMs, placedMeanwhile, firstTaskMs, answers, orders } = result;
  const table = newTable(['placed meanwhile', 'first task p50, ms', 'p99, ms', 'max, ms']);
  const { p50, p99, max } = firstTaskMs;
  table.push([placedMeanwhile, number(p50), number(p99), number(max)]);
  const title = `Backlog: ${backlog} orders drained in ${number(drainMs)} ms; ${answers} answers to ${orders} orders`;
  return titled(title, table.toString());
}

function millionText(result: MillionResult): string {
  const { oldOrders, sweptOrders, withoutPast, withPast } = result;
  const table = newTable(['old orders', 'orders/s', 'p50, ms', 'p99, ms', 'sweep, ms']);
  for (const [old, { busy, sweepMs }] of [
    [0, withoutPast],
    [oldOrders, withPast],
  ] as const) {
    const { ordersPerSecond, latencyMs } = busy;
    table.push([
      old,
      shown(ordersPerSecond),
      shown(latencyMs.p50),
      shown(latencyMs.p99),
      number(sweepMs),
    ]);
  }
  const { inFlight } = withPast.busy;
  return titled(
    `Old orders (${inFlight} in flight; sweep looks at ${sweptOrders} orders of today)`,
    table.toString(),
  );
}

function copiesText(result: CopiesResult): string {
  const { copies, supplementMsPerCopy, postgresqlMsPerCopy, supplementMiB } = result;
  const table = newTable([`${copies} copies, all in order`, 'CPU of each, ms', 'memory, MiB']);
  const memory = supplementMiB.map(number).join(' -> ');
  table.push(
    ['supplement system', supplementMsPerCopy.toFixed(3), memory],
    ['PostgreSQL', postgresqlMsPerCopy.toFixed(3), '-'],
  );
  return titled('Copies', table.toString());
}

/** A table with its title above it. */
function titled(title: string, table: string): string {
  return `${title}\n${table}`;
}

/** A table whose first column is text and whose others are numbers. */
function newTable(head: string[]): Table.Table {
  return new Table({
    head,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
}

/** The median, with the rounds' least and greatest. */
function shown({ median, min, max }: Spread): string {
  return min === max ? number(median) : `${number(median)} (${number(min)}-${number(max)})`;
}

function number(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(1);
}
