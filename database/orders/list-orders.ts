import type { OrderListFilter, OrderListRow, OrderListPlace } from '../../domain/order-list';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';

/**
 * Lists orders by the time at which they were recorded, the oldest first, after a place in that order. A
 * row's place never changes, so pages neither miss nor double what changes meanwhile.
 */
export function listOrders(
  database: OrdersDatabase,
  given: { filter: OrderListFilter; after?: OrderListPlace; limit: number },
): Promise<OrderListRow[]> {
  const { filter, after, limit } = given;
  const { statuses, placedBefore, restaurantId } = filter;
  const conditions = [
    // As literals, since a partial index is used for these only.
    Prisma.raw(`status IN (${statuses.map((status) => `'${status}'`).join(', ')})`),
    ...(after
      ? [Prisma.sql`(created_at, order_id) > (${after.placedAt}::timestamptz, ${after.orderId})`]
      : []),
    ...(placedBefore ? [Prisma.sql`created_at <= ${placedBefore}`] : []),
    ...(restaurantId !== undefined
      ? [Prisma.sql`"order" ->> 'restaurantId' = ${restaurantId}`]
      : []),
  ];
  return prismaOf(database).$queryRaw<OrderListRow[]>`
    SELECT order_id AS "orderId", status, "order" ->> 'restaurantId' AS "restaurantId", attempts,
      escalation_reason AS "escalationReason",
      CASE WHEN status = 'dispatched' THEN courier_id END AS "courierId",
      created_at AS "placedAt", updated_at AS "updatedAt", dispatch_by AS "dispatchBy"
    FROM orders WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY created_at, order_id LIMIT ${limit}`;
}
