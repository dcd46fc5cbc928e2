import type { Act, Via } from '../../domain/act';
import type { Hold, HoldState } from '../../domain/hold';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';

/**
 * Puts a hold in force, with its row in the audit: what is recorded or read from then on is held.
 *
 * @returns `undefined` where one is in force already.
 */
export async function insertHold(
  database: OrdersDatabase,
  { actor, note, via }: Act & { via: Via },
): Promise<Hold | undefined> {
  const [hold] = await prismaOf(database).$queryRaw<Hold[]>`
    WITH hold AS (
      INSERT INTO holds (held_by, note) VALUES (${actor}, ${note})
      ON CONFLICT DO NOTHING RETURNING *
    ), told AS (
      INSERT INTO audit (act, actor, via, note, facts)
      SELECT 'hold', ${actor}, ${via}, ${note}, jsonb_build_object('holdId', id) FROM hold
    )
    SELECT ${COLUMNS} FROM hold`;
  return hold;
}

const COLUMNS = Prisma.sql`id, held_at AS "heldAt", held_by AS "heldBy", note, ended_at AS "endedAt"`;

/** Whether a hold is in force. */
export async function isHeld(database: OrdersDatabase): Promise<boolean> {
  return (await prismaOf(database).hold.count({ where: { endedAt: null } })) > 0;
}

/** The hold in force, or one whose orders are not all released yet; `undefined` where nothing is held. */
export async function findHold(database: OrdersDatabase): Promise<HoldState | undefined> {
  const prisma = prismaOf(database);
  const hold = await prisma.hold.findFirst({
    where: { OR: [{ endedAt: null }, { orders: { some: { toldAt: null } } }] },
    orderBy: { id: 'desc' },
  });
  if (!hold) return undefined;
  return { hold, waiting: await prisma.heldOrder.count({ where: { toldAt: null } }) };
}

/** Ends a hold: what is recorded or read from then on goes out. Waits for those that are being held. */
export async function endHold(database: OrdersDatabase, holdId: number): Promise<void> {
  await prismaOf(database).hold.updateMany({
    where: { id: holdId, endedAt: null },
    data: { endedAt: new Date() },
  });
}

/** An order that a hold does not count for any more, and whose workflow is to be told. */
export interface ReleasedOrder {
  orderId: string;
  /** Its deadline, later by the time that it was held. */
  dispatchBy: Date;
}

/**
 * Releases the orders that were held the longest, from this hold and all before it: the time that they
 * were held is added to their deadlines, once, however often this runs. Until {@link markTold} they come
 * again. It is added in seconds, since a day of PostgreSQL's has 23 or 25 hours when the clocks change.
 *
 * @returns their number, and those of them that still wait for their dispatch.
 */
export async function releaseOrders(
  database: OrdersDatabase,
  { holdId, limit }: { holdId: number; limit: number },
): Promise<{ orderIds: string[]; waiting: ReleasedOrder[] }> {
  const rows = await prismaOf(database).$queryRaw<{ orderId: string; dispatchBy: Date | null }[]>`
    WITH page AS MATERIALIZED (
      SELECT * FROM held_orders WHERE told_at IS NULL AND hold_id <= ${holdId}
      ORDER BY held_at, order_id LIMIT ${limit} FOR UPDATE
    ), released AS (
      UPDATE held_orders h SET hold_id = ${holdId},
        released_at = COALESCE(h.released_at, clock_timestamp())
      FROM page WHERE h.order_id = page.order_id
    ), extended AS (
      UPDATE orders o SET dispatch_by = o.dispatch_by
          + extract(epoch FROM clock_timestamp() - page.held_at)::float8 * interval '1 s',
        updated_at = clock_timestamp()
      FROM page WHERE o.order_id = page.order_id AND o.status = 'placed' AND page.released_at IS NULL
      RETURNING o.order_id, o.dispatch_by
    )
    SELECT page.order_id AS "orderId",
      COALESCE(extended.dispatch_by, o.dispatch_by) AS "dispatchBy"
    FROM page LEFT JOIN extended USING (order_id)
      LEFT JOIN orders o ON o.order_id = page.order_id AND o.status = 'placed'`;
  return {
    orderIds: rows.map(({ orderId }) => orderId),
    waiting: rows.flatMap(({ orderId, dispatchBy }) =>
      dispatchBy ? [{ orderId, dispatchBy }] : [],
    ),
  };
}

/** Records that the workflows of orders were told that they are released. */
export async function markTold(
  database: OrdersDatabase,
  { holdId, orderIds }: { holdId: number; orderIds: readonly string[] },
): Promise<void> {
  await prismaOf(database).heldOrder.updateMany({
    where: { holdId: { lte: holdId }, orderId: { in: [...orderIds] }, toldAt: null },
    data: { toldAt: new Date() },
  });
}

/** Which of these orders still wait, and were not answered since their release. */
export async function findUnansweredSince(
  database: OrdersDatabase,
  { orderIds, since }: { orderIds: readonly string[]; since: Date },
): Promise<string[]> {
  const rows = await prismaOf(database).$queryRaw<{ orderId: string }[]>`
    SELECT order_id AS "orderId" FROM orders o
    WHERE order_id = ANY(${[...orderIds]}) AND status IN ('placed', 'escalated') AND NOT EXISTS (
      SELECT 1 FROM acknowledgements a WHERE a.order_id = o.order_id AND a.received_at >= ${since})`;
  return rows.map(({ orderId }) => orderId);
}
