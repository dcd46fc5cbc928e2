import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';

/** The tables of the order database that are pruned, in the order in which it is done. */
export const PRUNED_ORDERS_TABLES = [
  'orders',
  'acknowledgements',
  'repairs',
  'humanTasks',
  'deadLetters',
  'audit',
  'outcomeEvents',
  'healthReports',
  'holds',
  'bulkRuns',
  'erasures',
] as const;

/** A table of the order database that is pruned. */
export type PrunedOrdersTable = (typeof PRUNED_ORDERS_TABLES)[number];

/** Rows of a table from before then have expired. */
export type Cutoffs = Readonly<Record<PrunedOrdersTable, Date>>;

/**
 * Deletes up to `limit` expired rows of a table, the oldest first, in one transaction. Rows that
 * another one holds are left for the next run.
 *
 * @returns how many were deleted: fewer than `limit` where nothing is left to do.
 */
export async function deleteExpired(
  database: OrdersDatabase,
  given: { table: PrunedOrdersTable; cutoffs: Cutoffs; limit: number },
): Promise<number> {
  const prisma = prismaOf(database);
  const { name, key, age, expired } = walkOf(given.table, given.cutoffs);
  const [, deleted] = await prisma.$transaction([
    // The audit refuses all else.
    prisma.$queryRaw`SELECT set_config('order_dispatch.keeping', 'retention', true)`,
    prisma.$executeRaw`
      WITH batch AS MATERIALIZED (
        SELECT t.${key} AS key FROM ${name} t WHERE ${expired}
        ORDER BY t.${age} LIMIT ${given.limit} FOR UPDATE OF t SKIP LOCKED
      )
      DELETE FROM ${name} t USING batch WHERE t.${key} = batch.key`,
  ]);
  return deleted;
}

/** Counts what {@link deleteExpired} would delete, batch by batch and table by table. */
export async function countExpired(
  database: OrdersDatabase,
  { table, cutoffs }: { table: PrunedOrdersTable; cutoffs: Cutoffs },
): Promise<number> {
  const { name, expired } = walkOf(table, cutoffs);
  const [counted] = await prismaOf(database).$queryRaw<{ rows: bigint }[]>`
    SELECT count(*) AS rows FROM ${name} t WHERE ${expired}`;
  return Number(counted?.rows ?? 0);
}

/** Which of these orders have a row that pruning leaves. */
export async function findLastingOrders(
  database: OrdersDatabase,
  { orderIds, cutoffs }: { orderIds: string[]; cutoffs: Cutoffs },
): Promise<Set<string>> {
  const rows = await prismaOf(database).$queryRaw<{ orderId: string }[]>`
    SELECT o.order_id AS "orderId" FROM orders o
    WHERE o.order_id = ANY(${orderIds}) AND NOT (${expiredOrder('o', cutoffs)})`;
  return new Set(rows.map(({ orderId }) => orderId));
}

interface Walk {
  name: Prisma.Sql;
  key: Prisma.Sql;
  /** The column that the oldest come first by. */
  age: Prisma.Sql;
  /** The condition on the table, which is `t`. */
  expired: Prisma.Sql;
}

/**
 * | table            | expired                                                                     |
 * |------------------|-----------------------------------------------------------------------------|
 * | orders           | final, without an open human task or an open dead letter                    |
 * | acknowledgements | their order's row is gone: it stands on them                                |
 * | repairs          | the same: what a person decided to keep is asked again without them         |
 * | humanTasks       | closed, and their order's row is gone                                       |
 * | deadLetters      | decided: replayed or discarded                                              |
 * | audit            | their order's row is gone, if they are about one                            |
 * | outcomeEvents    | sent                                                                        |
 * | healthReports    | all                                                                         |
 * | holds            | ended, and nobody waits for the release; with the list of those that did    |
 * | bulkRuns         | ended; with their tasks, of which the tasks' own rows tell                     |
 * | erasures         | no row is left that they blanked                                            |
 */
function walkOf(table: PrunedOrdersTable, cutoffs: Cutoffs): Walk {
  const before = cutoffs[table];
  const orderIsGone = Prisma.sql`NOT EXISTS (
    SELECT 1 FROM orders o WHERE o.order_id = t.order_id AND NOT (${expiredOrder('o', cutoffs)}))`;
  switch (table) {
    case 'orders':
      return walk('orders', 'order_id', 'created_at', expiredOrder('t', cutoffs));
    case 'acknowledgements': {
      const expired = Prisma.sql`t.received_at < ${before} AND ${orderIsGone}`;
      return walk('acknowledgements', 'id', 'received_at', expired);
    }
    case 'repairs': {
      const expired = Prisma.sql`t.created_at < ${before} AND ${orderIsGone}`;
      return walk('repairs', 'id', 'created_at', expired);
    }
    case 'humanTasks': {
      const expired = Prisma.sql`t.opened_at < ${before} AND t.closed_at < ${before}
        AND ${orderIsGone}`;
      return walk('human_tasks', 'ctid', 'opened_at', expired);
    }
    case 'audit':
      return walk('audit', 'id', 'at', Prisma.sql`t.at < ${before} AND ${orderIsGone}`);
    case 'outcomeEvents': {
      const expired = Prisma.sql`t.created_at < ${before} AND t.sent_at < ${before}`;
      return walk('outcome_events', 'id', 'created_at', expired);
    }
    case 'healthReports':
      return walk('health_reports', 'id', 'at', Prisma.sql`t.at < ${before}`);
    case 'holds': {
      const expired = Prisma.sql`t.ended_at < ${before} AND NOT EXISTS (
        SELECT 1 FROM held_orders h WHERE h.hold_id = t.id AND h.told_at IS NULL)`;
      return walk('holds', 'id', 'held_at', expired);
    }
    case 'bulkRuns':
      return walk('bulk_runs', 'id', 'created_at', Prisma.sql`t.ended_at < ${before}`);
    case 'deadLetters': {
      const expired = Prisma.sql`t.state <> 'open'
        AND COALESCE(t.decided_at, t.created_at) < ${before}`;
      return walk('dead_letters', 'id', 'created_at', expired);
    }
    case 'erasures': {
      const expired = Prisma.sql`t.created_at < ${before} AND NOT EXISTS (
        SELECT 1 FROM orders o WHERE o.erasure_id = t.id AND NOT (${expiredOrder('o', cutoffs)}))`;
      return walk('erasures', 'id', 'created_at', expired);
    }
  }
}

function walk(name: string, key: string, age: string, expired: Prisma.Sql): Walk {
  return { name: Prisma.raw(name), key: Prisma.raw(key), age: Prisma.raw(age), expired };
}

/**
 * `created_at` is implied, and has the index. A replay of an open dead letter of a request whose order
 * is gone would bring the order back as a new one. A finding may wait for a person, too.
 */
function expiredOrder(alias: 'o' | 't', { orders: before }: Cutoffs): Prisma.Sql {
  const o = Prisma.raw(alias);
  return Prisma.sql`${o}.created_at < ${before} AND ${o}.updated_at < ${before}
    AND ${o}.status IN ('dispatched', 'cancelled') AND ${o}.escalation_reason IS NULL
    AND NOT EXISTS (
      SELECT 1 FROM dead_letters d WHERE d.order_id = ${o}.order_id AND d.state = 'open')
    AND NOT EXISTS (
      SELECT 1 FROM human_tasks h WHERE h.order_id = ${o}.order_id AND h.closed_at IS NULL)`;
}
