import type { HealthFigures, HealthFinding, HealthReport } from '../../domain/health';
import { CONNECTION_USE, type ConnectionUse } from '../connection-use';
import { prismaOf, type OrdersDatabase } from './connection';
import type { Prisma } from './generated/client';
import { isoTime } from './iso-time';

/** How far back answers are timed, in minutes. */
const LATENCY_MINUTES = 5;

/** Counts and times what the order database knows of the service's health; one scan of an index each. */
export async function readHealthFigures(database: OrdersDatabase): Promise<HealthFigures> {
  const prisma = prismaOf(database);
  const [orders, openTasks, openDeadLetters, [latency], [events]] = await Promise.all([
    prisma.$queryRaw<CountRow[]>`
      SELECT status AS name, count(*)::int AS count FROM orders
      WHERE status IN ('placed', 'escalated', 'cancelling') GROUP BY status`,
    prisma.$queryRaw<CountRow[]>`
      SELECT escalation_reason AS name, count(*)::int AS count FROM human_tasks
      WHERE closed_at IS NULL GROUP BY escalation_reason`,
    prisma.deadLetter.count({ where: { state: 'open' } }),
    prisma.$queryRaw<{ p50: number | null; p99: number | null; answers: number }[]>`
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
        percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99, count(*)::int AS answers
      FROM (
        SELECT extract(epoch FROM a.received_at - o.created_at)::float8 * 1000 AS ms
        FROM acknowledgements a JOIN orders o USING (order_id)
        WHERE a.received_at > now() - ${LATENCY_MINUTES} * interval '1 min'
          AND a.class = 'first' AND a.outcome = 'accepted'
      ) AS answered`,
    prisma.$queryRaw<{ ms: number | null; refused: number }[]>`
      SELECT extract(epoch FROM now() - min(created_at))::float8 * 1000 AS ms,
        (count(*) FILTER (WHERE failures > 0))::int AS refused
      FROM outcome_events WHERE sent_at IS NULL`,
  ]);
  return {
    orders: countsOf(orders),
    openTasks: countsOf(openTasks),
    openDeadLetters,
    ...(latency?.p50 != null &&
      latency.p99 != null && {
        acknowledgementMs: {
          p50: Math.round(latency.p50),
          p99: Math.round(latency.p99),
          answers: latency.answers,
        },
      }),
    eventsBehindMs: Math.round(events?.ms ?? 0),
    eventsRefused: events?.refused ?? 0,
  };
}

interface CountRow {
  name: string;
  count: number;
}

function countsOf(rows: CountRow[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

/** How many connections the order database's clients have. */
export async function readOrdersConnections(database: OrdersDatabase): Promise<ConnectionUse> {
  const [row] = await prismaOf(database).$queryRawUnsafe<ConnectionUse[]>(CONNECTION_USE);
  if (!row) throw new Error('a server without connections');
  return row;
}

/** An order that is longer on its way than its policy allows. */
export interface OverdueOrder {
  orderId: string;
  status: string;
}

/**
 * Finds orders that wait for no person and for no release, and are past their deadline by more than
 * `graceMs`: somebody should have escalated them.
 */
export function findOverdueOrders(
  database: OrdersDatabase,
  { graceMs, limit }: { graceMs: number; limit: number },
): Promise<OverdueOrder[]> {
  return prismaOf(database).$queryRaw<OverdueOrder[]>`
    SELECT order_id AS "orderId", status FROM orders
    WHERE status IN ('placed', 'cancelling') AND escalation_reason IS NULL
      AND GREATEST(dispatch_by, updated_at +
        COALESCE((policy ->> 'dispatchWithinMs')::float8, 0) * interval '1 ms')
        < now() - ${graceMs} * interval '1 ms'
      AND NOT EXISTS (
        SELECT 1 FROM held_orders h WHERE h.order_id = orders.order_id AND h.told_at IS NULL)
    ORDER BY created_at LIMIT ${limit}`;
}

/** Counts open human tasks that are overdue and not snoozed. */
export async function countOverdueTasks(database: OrdersDatabase): Promise<number> {
  const [row] = await prismaOf(database).$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM human_tasks
    WHERE closed_at IS NULL AND overdue_at < now() AND COALESCE(snoozed_until < now(), true)`;
  return row?.count ?? 0;
}

/** Counts repairs of the last hour that helped nobody. */
export function countFailedRepairs(database: OrdersDatabase): Promise<number> {
  const since = new Date(Date.now() - 60 * 60_000);
  return prismaOf(database).repair.count({ where: { done: 'nothing', createdAt: { gte: since } } });
}

/** Records what a check saw. */
export async function insertHealthReport(
  database: OrdersDatabase,
  report: HealthReport,
): Promise<void> {
  const { at } = report;
  await prismaOf(database).healthReport.create({
    data: { at, report: report as unknown as Prisma.InputJsonObject },
  });
}

/** The newest report; `undefined` where there is none. */
export async function findLastHealthReport(
  database: OrdersDatabase,
): Promise<HealthReport | undefined> {
  const row = await prismaOf(database).healthReport.findFirst({ orderBy: { at: 'desc' } });
  return row ? (row.report as unknown as HealthReport) : undefined;
}

/**
 * Opens a human task for each critical finding that has none, and closes those of what is gone; one task
 * for each code, however often it is found.
 */
export async function followHealthFindings(
  database: OrdersDatabase,
  findings: readonly HealthFinding[],
): Promise<void> {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  const taskIds = [...new Set(critical.map(({ code }) => `health/${code}`))];
  await prismaOf(database).$executeRaw`
    WITH gone AS (
      UPDATE human_tasks SET closed_at = now(), closed_by = 'answer'
      WHERE kind = 'health' AND closed_at IS NULL AND NOT (task_id = ANY(${taskIds}))
      RETURNING *
    ), told AS (
      INSERT INTO outcome_events (subject, type, body)
      SELECT task_id, 'human-task.closed.v1', jsonb_build_object('taskId', task_id,
        'openedAt', ${isoTime('opened_at')}, 'escalationReason', escalation_reason,
        'closedBy', closed_by)
      FROM gone
    )
    INSERT INTO human_tasks (task_id, opened_at, kind, escalation_reason, due_at, overdue_at)
    SELECT found.id, now(), 'health', 'unhealthy', now(), now() + interval '10 min'
    FROM unnest(${taskIds}::text[]) AS found(id)
    WHERE NOT EXISTS (
      SELECT 1 FROM human_tasks t WHERE t.task_id = found.id AND t.closed_at IS NULL)`;
}

/** A health report, with the time at which it was made. */
export interface RecordedHealthReport {
  at: Date;
  report: HealthReport;
}

/**
 * Lists the health reports of a time, the oldest first; where there are more than `points`, evenly
 * thinned.
 */
export async function listHealthReports(
  database: OrdersDatabase,
  { since, until, points }: { since: Date; until: Date; points: number },
): Promise<RecordedHealthReport[]> {
  return prismaOf(database).$queryRaw<RecordedHealthReport[]>`
    SELECT at, report FROM health_reports WHERE id IN (
      SELECT id FROM (
        SELECT id, row_number() OVER (ORDER BY at DESC, id DESC) - 1 AS n, count(*) OVER () AS count
        FROM health_reports WHERE at BETWEEN ${since} AND ${until}
      ) AS numbered WHERE n % ceil(count::numeric / ${points}::int) = 0
    ) ORDER BY at, id`;
}
