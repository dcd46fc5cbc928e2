import type { Client } from '@temporalio/client';
import { mean } from 'simple-statistics';
import { readManagement } from '../management';
import { query } from '../../stack/servers/query';
import type { Servers, Surroundings } from '../servers';

/** What the servers counted of one contestant's work since its surroundings were made. */
export interface Counts {
  sqlStatements: number;
  amqpPublishes: number;
  /** By the name of the call; absent where Temporal was given. */
  temporalCalls?: Record<string, number>;
}

/** How old RabbitMQ's counts may be, in ms: channels report every 5 s. */
export const COUNTS_SETTLE_MS = 6_000;

/** Reads what the servers counted. */
export async function readCounts(servers: Servers, surroundings: Surroundings): Promise<Counts> {
  const [sqlStatements, amqpPublishes, temporalCalls] = await Promise.all([
    readSqlStatements(servers.postgresUrl, surroundings),
    readAmqpPublishes(servers.managementUrl, surroundings.vhost),
    servers.metricsUrl === undefined
      ? undefined
      : readTemporalCalls(servers.metricsUrl, surroundings.namespace),
  ]);
  return { sqlStatements, amqpPublishes, ...(temporalCalls && { temporalCalls }) };
}

async function readSqlStatements(url: string, surroundings: Surroundings): Promise<number> {
  const names = [surroundings.ordersDatabaseUrl, surroundings.dispatchDatabaseUrl].map(databaseOf);
  const [row] = await query<{ calls: string | null }>(
    url,
    `SELECT sum(calls) AS calls FROM pg_stat_statements
     JOIN pg_database ON pg_database.oid = dbid WHERE datname = ANY($1)`,
    [names],
  );
  return Number(row?.calls ?? 0);
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

async function readAmqpPublishes(managementUrl: string, vhost: string): Promise<number> {
  const { message_stats: stats } = await readManagement<{ message_stats?: { publish?: number } }>(
    managementUrl,
    `vhosts/${encodeURIComponent(vhost)}`,
  );
  return stats?.publish ?? 0;
}

/** How the server calls a read of a history that waits for the end. */
const POLL_FOR_RESULT = 'PollWorkflowExecutionHistory';

/** Calls that only somebody makes who waits for a workflow's result. */
export const RESULT_CALLS = [
  POLL_FOR_RESULT,
  'GetWorkflowExecutionHistory',
  'DescribeWorkflowExecution',
];

/** Without the polls of idle workers, which are nobody's order. */
async function readTemporalCalls(url: string, namespace: string): Promise<Record<string, number>> {
  const text = await (await fetch(url)).text();
  // The server spells its labels without hyphens.
  const namespaceLabel = namespace.replace(/\W/g, '_');
  const calls: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith('service_requests{')) continue;
    const label = (name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1];
    const call = label('operation') ?? '';
    if (label('service_name') !== 'frontend' || label('namespace') !== namespaceLabel) continue;
    if (call.startsWith('Poll') && call !== POLL_FOR_RESULT) continue;
    calls[call] = (calls[call] ?? 0) + Number(line.slice(line.lastIndexOf(' ')));
  }
  return calls;
}

/** How long the histories of a contestant's workflows are. */
export interface HistoryCounts {
  events: number;
  workflowTasks: number;
}

/** Looks at a few histories; `undefined` where there are none. */
export async function readHistories(temporal: Client): Promise<HistoryCounts | undefined> {
  const SAMPLE = 100;
  const events: number[] = [];
  const workflowTasks: number[] = [];
  for await (const { workflowId } of temporal.workflow.list({ pageSize: SAMPLE })) {
    const history = await temporal.workflow.getHandle(workflowId).fetchHistory();
    const all = history.events ?? [];
    events.push(all.length);
    workflowTasks.push(all.filter((event) => event.workflowTaskCompletedEventAttributes).length);
    if (events.length === SAMPLE) break;
  }
  if (events.length === 0) return undefined;
  return { events: mean(events), workflowTasks: mean(workflowTasks) };
}
