import type { Act, Via } from '../../domain/act';
import type {
  BulkCounts,
  BulkDecision,
  BulkRow,
  BulkRowState,
  BulkRun,
  BulkState,
} from '../../domain/bulk';
import type { HumanTaskFilter } from '../../domain/human-task';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';
import { conditionsOf } from './human-tasks';

/** The open tasks that a decision about many can be about: a finding about health closes by itself. */
const IN_BULK = Prisma.sql`closed_at IS NULL AND kind <> 'health'`;

/**
 * Begins a run, with its row in the audit: freezes the open tasks that fit, the oldest first. A task that
 * opens later is none of them.
 *
 * @param given.expected how many they must be.
 * @returns the run, and how many tasks it has; `undefined` where none fits, or another number: then
 * nothing is recorded.
 */
export async function insertBulkRun(
  database: OrdersDatabase,
  given: Act & {
    via: Via;
    decision: BulkDecision;
    filter: HumanTaskFilter;
    ratePerSecond: number;
    limit: number;
    expected?: number;
  },
): Promise<{ id: number; tasks: number } | undefined> {
  const { actor, note, via, decision, filter, ratePerSecond, limit, expected } = given;
  const isAsExpected =
    expected === undefined
      ? Prisma.sql`EXISTS (SELECT 1 FROM frozen)`
      : Prisma.sql`(SELECT count(*) FROM frozen) = ${expected}`;
  const [begun] = await prismaOf(database).$queryRaw<{ id: number; tasks: number }[]>`
    WITH frozen AS MATERIALIZED (
      SELECT row_number() OVER (ORDER BY opened_at, task_id) AS n, task_id, opened_at, order_id,
        escalation_reason
      FROM human_tasks WHERE ${IN_BULK} ${conditionsOf(filter)}
      ORDER BY opened_at, task_id LIMIT ${limit}
    ), run AS (
      INSERT INTO bulk_runs (actor, via, note, decision, filter, rate_per_second)
      SELECT ${actor}, ${via}, ${note}, ${decision}, ${JSON.stringify(filter)}::jsonb, ${ratePerSecond}
      WHERE ${isAsExpected} RETURNING id
    ), rows AS (
      INSERT INTO bulk_rows (bulk_id, n, task_id, opened_at, order_id, escalation_reason)
      SELECT run.id, n, task_id, opened_at, order_id, escalation_reason FROM frozen, run
    ), told AS (
      INSERT INTO audit (act, actor, via, note, decision, facts)
      SELECT 'bulk', ${actor}, ${via}, ${note}, ${decision}, jsonb_build_object('bulkId', id,
        'decision', ${decision}::text, 'count', (SELECT count(*) FROM frozen)) FROM run
    )
    SELECT id, (SELECT count(*)::int FROM frozen) AS tasks FROM run`;
  return begun;
}

/** Finds a run; `undefined` where there is none. */
export async function findBulkRun(
  database: OrdersDatabase,
  id: number,
): Promise<BulkRun | undefined> {
  const run = await prismaOf(database).bulkRun.findUnique({ where: { id } });
  return run ? toRun(run) : undefined;
}

/** Lists runs, the newest first. */
export async function listBulkRuns(database: OrdersDatabase, limit: number): Promise<BulkRun[]> {
  const runs = await prismaOf(database).bulkRun.findMany({ orderBy: { id: 'desc' }, take: limit });
  return runs.map(toRun);
}

/** Counts the tasks of runs by their state. */
export async function countBulkRows(
  database: OrdersDatabase,
  bulkIds: readonly number[],
): Promise<Map<number, BulkCounts>> {
  const groups = await prismaOf(database).bulkRow.groupBy({
    by: ['bulkId', 'state'],
    where: { bulkId: { in: [...bulkIds] } },
    _count: true,
  });
  const counts = new Map(bulkIds.map((id) => [id, { ...NONE }]));
  for (const { bulkId, state, _count } of groups) {
    const run = counts.get(bulkId);
    if (run) run[state as BulkRowState] = _count;
  }
  return counts;
}

const NONE = { pending: 0, resolved: 0, refused: 0, failed: 0, skipped: 0 };

/** Lists tasks of a run that are in one of these states, in their order. */
export async function listBulkRows(
  database: OrdersDatabase,
  given: { bulkId: number; states: readonly BulkRowState[]; limit: number },
): Promise<BulkRow[]> {
  const rows = await prismaOf(database).bulkRow.findMany({
    omit: { bulkId: true },
    where: { bulkId: given.bulkId, state: { in: [...given.states] } },
    orderBy: { n: 'asc' },
    take: given.limit,
  });
  return rows as BulkRow[];
}

/** What a task of a run came to. */
export interface BulkRowResult {
  n: number;
  state: Exclude<BulkRowState, 'pending' | 'skipped'>;
  outcome?: string;
}

/** Records what a task came to; also of one that was under way when its run was aborted. */
export async function recordBulkRow(
  database: OrdersDatabase,
  { bulkId, result }: { bulkId: number; result: BulkRowResult },
): Promise<void> {
  const { n, state, outcome = null } = result;
  await prismaOf(database).bulkRow.updateMany({
    where: { bulkId, n, state: { in: ['pending', 'skipped'] } },
    data: { state, outcome, endedAt: new Date() },
  });
}

/**
 * Ends a run that runs; the tasks that still wait are skipped. Where a person aborts it, that is in the
 * audit.
 *
 * @returns whether it ran.
 */
export async function endBulkRun(
  database: OrdersDatabase,
  given: {
    bulkId: number;
    state: Exclude<BulkState, 'running'>;
    abortedBy?: Act & { via: Via };
  },
): Promise<boolean> {
  const { bulkId, state, abortedBy } = given;
  const { actor = null, note = null, via = null } = abortedBy ?? {};
  const ended = await prismaOf(database).$queryRaw<{ id: number }[]>`
    WITH run AS (
      UPDATE bulk_runs SET state = ${state}, ended_at = now(), aborted_by = ${actor},
        abort_note = ${note}
      WHERE id = ${bulkId} AND state = 'running' RETURNING *
    ), skipped AS (
      UPDATE bulk_rows r SET state = 'skipped', ended_at = now()
      FROM run WHERE r.bulk_id = run.id AND r.state = 'pending'
    ), told AS (
      INSERT INTO audit (act, actor, via, note, decision, facts)
      SELECT 'abortBulk', ${actor}, ${via}, ${note}, decision, jsonb_build_object('bulkId', id)
      FROM run WHERE ${actor}::text IS NOT NULL
    )
    SELECT id FROM run`;
  return ended.length > 0;
}

/** How a task of a run stands: open, or closed by whom and when. */
export interface TaskEnd {
  taskId: string;
  openedAt: Date;
  closedAt: Date | null;
  closedBy: 'person' | 'answer' | 'cancellation' | null;
  decision: string | null;
  actor: string | null;
  via: string | null;
  note: string | null;
}

/** How human tasks stand, in no order; of those that nobody knows nothing is said. */
export async function findTaskEnds(
  database: OrdersDatabase,
  keys: readonly { taskId: string; openedAt: Date }[],
): Promise<TaskEnd[]> {
  const rows = await prismaOf(database).humanTask.findMany({
    select: {
      ...{ taskId: true, openedAt: true, closedAt: true, closedBy: true },
      ...{ decision: true, actor: true, via: true, note: true },
    },
    where: { OR: keys.map(({ taskId, openedAt }) => ({ taskId, openedAt })) },
  });
  return rows as TaskEnd[];
}

type RunRow = Prisma.BulkRunGetPayload<object>;

/** As the writing side wrote it. */
function toRun(row: RunRow): BulkRun {
  return {
    ...row,
    via: row.via as Via,
    decision: row.decision as BulkDecision,
    state: row.state as BulkState,
  };
}
