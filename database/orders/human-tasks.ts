import type { Act, Via } from '../../domain/act';
import type { TaskAct } from '../../domain/human-task';
import {
  CLAIM_LEASE_MS,
  type HumanTaskFilter,
  type HumanTaskPlace,
  type HumanTaskRow,
} from '../../domain/human-task';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';
import { isoTime } from './iso-time';

/** Which human task: one workflow may open several, one after the other. */
export interface TaskKey {
  taskId: string;
  openedAt: Date;
}

/** What became of a claim: the task as it is now. */
export type ClaimResult = HumanTaskRow & { isMine: boolean };

const COLUMNS = Prisma.sql`task_id AS "taskId", opened_at AS "openedAt", kind, order_id AS "orderId",
  restaurant_id AS "restaurantId", escalation_reason AS "escalationReason", due_at AS "dueAt",
  overdue_at AS "overdueAt", snoozed_until AS "snoozedUntil",
  CASE WHEN claimed_until > now() THEN claimed_by END AS "claimedBy",
  CASE WHEN claimed_until > now() THEN claimed_until END AS "claimedUntil"`;

/** The order of the list: what is snoozed comes last in its group. */
const PLACE = Prisma.sql`escalation_reason, COALESCE(snoozed_until > now(), false), due_at, task_id`;

/**
 * Lists open human tasks: those that are due first, then the oldest, group by group. What is snoozed
 * comes last.
 *
 * @param given.after the place of a task, after which the list begins.
 */
export function listHumanTasks(
  database: OrdersDatabase,
  given: { filter: HumanTaskFilter; after?: HumanTaskPlace; limit: number },
): Promise<HumanTaskRow[]> {
  const { filter, after, limit } = given;
  const from = after
    ? Prisma.sql`AND (${PLACE}) > (${after.escalationReason}::text, ${after.isSnoozed}::boolean,
        ${after.dueAt}::timestamptz, ${after.taskId}::text)`
    : Prisma.empty;
  return prismaOf(database).$queryRaw<HumanTaskRow[]>`
    SELECT ${COLUMNS} FROM human_tasks WHERE closed_at IS NULL ${conditionsOf(filter)} ${from}
    ORDER BY ${PLACE} LIMIT ${limit}`;
}

/** How a human task ended. */
interface HumanTaskEnd {
  closedAt: Date;
  /** person, answer or cancellation. */
  closedBy: string;
  decision: string | null;
  actor: string | null;
}

/** A human task, open or closed. */
export type FoundHumanTask = HumanTaskRow & { end: HumanTaskEnd | null };

/** Finds the newest task of a workflow, open or closed. */
export async function findHumanTask(
  database: OrdersDatabase,
  { taskId, openedAt }: { taskId: string; openedAt?: Date },
): Promise<FoundHumanTask | undefined> {
  const thatOne = openedAt ? Prisma.sql`AND opened_at = ${openedAt}` : Prisma.empty;
  const [row] = await prismaOf(database).$queryRaw<(HumanTaskRow & Nullable<HumanTaskEnd>)[]>`
    SELECT ${COLUMNS}, closed_at AS "closedAt", closed_by AS "closedBy", decision, actor
    FROM human_tasks WHERE task_id = ${taskId} ${thatOne} ORDER BY opened_at DESC LIMIT 1`;
  if (!row) return undefined;
  const { closedAt, closedBy, decision, actor, ...task } = row;
  const isClosed = closedAt !== null && closedBy !== null;
  return { ...task, end: isClosed ? { closedAt, closedBy, decision, actor } : null };
}

type Nullable<Fields> = { [Field in keyof Fields]: Fields[Field] | null };

/** How many tasks of an escalation reason are open, and since when the oldest is. */
export interface HumanTaskGroup {
  escalationReason: HumanTaskRow['escalationReason'];
  count: number;
  oldestOpenedAt: Date;
}

/** Counts open human tasks by escalation reason, the most first. */
export async function groupHumanTasks(
  database: OrdersDatabase,
  filter: HumanTaskFilter,
): Promise<HumanTaskGroup[]> {
  return prismaOf(database).$queryRaw<HumanTaskGroup[]>`
    SELECT escalation_reason AS "escalationReason", count(*)::int AS count,
      min(opened_at) AS "oldestOpenedAt"
    FROM human_tasks WHERE closed_at IS NULL ${conditionsOf(filter)}
    GROUP BY escalation_reason ORDER BY count(*) DESC, escalation_reason`;
}

/**
 * Claims an open task, or renews the claim; another person's claim is taken over only where that is
 * asked for. It is in the audit where it changed hands.
 *
 * @returns `undefined` where the task is not open any more.
 */
export async function claimTask(
  database: OrdersDatabase,
  given: { key: TaskKey; act: TaskAct; takeOver: boolean },
): Promise<ClaimResult | undefined> {
  const { key, act, takeOver } = given;
  const leaseMs = CLAIM_LEASE_MS;
  const [row] = await prismaOf(database).$queryRaw<ClaimResult[]>`
    WITH before AS (
      SELECT * FROM human_tasks WHERE ${isOpen(key)} FOR UPDATE
    ), claimed AS (
      UPDATE human_tasks t SET claimed_by = ${act.actor},
        claimed_until = now() + ${leaseMs} * interval '1 ms'
      FROM before WHERE t.task_id = before.task_id AND t.opened_at = before.opened_at
        AND (${takeOver} OR before.claimed_by IS NULL OR before.claimed_by = ${act.actor}
          OR before.claimed_until <= now())
      RETURNING t.*
    ), told AS (
      INSERT INTO audit (act, actor, via, note, order_id, task_id)
      SELECT CASE WHEN before.claimed_until > now() THEN 'takeOver' ELSE 'claim' END, ${act.actor},
        ${act.via}, ${act.note ?? null}, claimed.order_id, claimed.task_id
      FROM claimed, before WHERE before.claimed_by IS DISTINCT FROM ${act.actor}
        OR before.claimed_until <= now()
    )
    SELECT ${COLUMNS}, claimed_by = ${act.actor} AS "isMine" FROM (
      SELECT * FROM claimed UNION ALL SELECT * FROM before WHERE NOT EXISTS (SELECT 1 FROM claimed)
    ) AS now_so`;
  return row;
}

/** Gives one's claim back. @returns whether one had it. */
export async function releaseTask(
  database: OrdersDatabase,
  given: { key: TaskKey; act: TaskAct },
): Promise<boolean> {
  const { key, act } = given;
  const released = await prismaOf(database).$executeRaw`
    WITH released AS (
      UPDATE human_tasks SET claimed_by = NULL, claimed_until = NULL
      WHERE ${isOpen(key)} AND claimed_by = ${act.actor} RETURNING *
    )
    ${auditOf('release', act)} FROM released`;
  return released > 0;
}

/** Has nobody told that an open task is due before then. @returns whether it is open. */
export async function snoozeTask(
  database: OrdersDatabase,
  given: { key: TaskKey; act: TaskAct; until: Date },
): Promise<boolean> {
  const { key, act, until } = given;
  const facts = Prisma.sql`jsonb_build_object('until', ${isoTime('snoozed_until')})`;
  const snoozed = await prismaOf(database).$executeRaw`
    WITH snoozed AS (
      UPDATE human_tasks SET snoozed_until = ${until}, told_due_at = NULL, told_overdue_at = NULL
      WHERE ${isOpen(key)} RETURNING *
    )
    ${auditOf('snooze', act, facts)} FROM snoozed`;
  return snoozed > 0;
}

/** Writes a note about an open task into the audit. @returns whether it is open. */
export async function noteTask(
  database: OrdersDatabase,
  given: { key: TaskKey; act: TaskAct },
): Promise<boolean> {
  const noted = await prismaOf(database).$executeRaw`
    ${auditOf('note', given.act)} FROM human_tasks WHERE ${isOpen(given.key)}`;
  return noted > 0;
}

/** Opens the row of a task that is not an order's own: of those a trigger takes care. */
export async function openTaskRow(
  database: OrdersDatabase,
  given: TaskKey &
    Pick<HumanTaskRow, 'kind' | 'escalationReason' | 'dueAt' | 'overdueAt'> & { orderId?: string },
): Promise<void> {
  await prismaOf(database).$executeRaw`
    INSERT INTO human_tasks (task_id, opened_at, kind, order_id, restaurant_id, escalation_reason,
      due_at, overdue_at)
    VALUES (${given.taskId}, ${given.openedAt}, ${given.kind}, ${given.orderId ?? null},
      (SELECT "order" ->> 'restaurantId' FROM orders WHERE order_id = ${given.orderId ?? null}),
      ${given.escalationReason}, ${given.dueAt}, ${given.overdueAt})
    ON CONFLICT DO NOTHING`;
}

/**
 * Closes such a row, with its event and, where a person decided, the audit's row; once, however often it
 * is closed.
 */
export function closeTaskRow(
  database: OrdersDatabase,
  key: TaskKey,
  resolution?: Act & { via: Via; decision: string },
): Promise<void> {
  return close(database, key, { closedBy: resolution ? 'person' : 'answer', ...resolution });
}

/** Closes such a row whose workflow asks nobody any more, such as one that somebody terminated. */
export function abandonTaskRow(database: OrdersDatabase, key: TaskKey): Promise<void> {
  return close(database, key, { closedBy: 'cancellation' });
}

async function close(
  database: OrdersDatabase,
  key: TaskKey,
  given: { closedBy: string } & Partial<Act & { decision: string }>,
): Promise<void> {
  const { closedBy, decision = null, actor = null, via = null, note = null } = given;
  await prismaOf(database).$executeRaw`
    WITH closed AS (
      UPDATE human_tasks SET closed_at = now(), closed_by = ${closedBy}, decision = ${decision},
        actor = ${actor}, via = ${via}, note = ${note}
      WHERE ${isOpen(key)} RETURNING *
    ), audited AS (
      INSERT INTO audit (act, actor, via, note, order_id, task_id, decision)
      SELECT 'resolve', actor, via, note, order_id, task_id, decision FROM closed
      WHERE actor IS NOT NULL
    )
    INSERT INTO outcome_events (subject, type, body)
    SELECT COALESCE(order_id, task_id), 'human-task.closed.v1', jsonb_strip_nulls(jsonb_build_object(
      'taskId', task_id, 'orderId', order_id, 'openedAt', ${isoTime('opened_at')},
      'escalationReason', escalation_reason, 'closedBy', closed_by, 'decision', decision))
    FROM closed`;
}

function isOpen({ taskId, openedAt }: TaskKey): Prisma.Sql {
  return Prisma.sql`task_id = ${taskId} AND opened_at = ${openedAt} AND closed_at IS NULL`;
}

/** The beginning of an insertion that goes on with where the task's columns come from. */
function auditOf(
  act: string,
  by: TaskAct,
  facts: Prisma.Sql = Prisma.sql`NULL::jsonb`,
): Prisma.Sql {
  return Prisma.sql`INSERT INTO audit (act, actor, via, note, order_id, task_id, facts)
    SELECT ${act}, ${by.actor}, ${by.via}, ${by.note ?? null}, order_id, task_id, ${facts}`;
}

/** The conditions of a filter, each after an AND. */
export function conditionsOf(filter: HumanTaskFilter): Prisma.Sql {
  const { escalationReason, kind, exceptKind, about, taskIds } = filter;
  const { restaurantId, claimedBy, openedBefore } = filter;
  const conditions = [
    escalationReason && Prisma.sql`AND escalation_reason = ${escalationReason}`,
    kind && Prisma.sql`AND kind = ${kind}`,
    exceptKind && Prisma.sql`AND kind <> ${exceptKind}`,
    about && Prisma.sql`AND (order_id = ${about} OR task_id = ${about})`,
    taskIds && Prisma.sql`AND task_id = ANY(${[...taskIds]}::text[])`,
    restaurantId && Prisma.sql`AND restaurant_id = ${restaurantId}`,
    claimedBy && Prisma.sql`AND claimed_by = ${claimedBy} AND claimed_until > now()`,
    openedBefore && Prisma.sql`AND opened_at <= ${openedBefore}`,
  ].filter((condition) => condition instanceof Prisma.Sql);
  return conditions.length === 0 ? Prisma.empty : Prisma.join(conditions, ' ');
}
