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
  const { statuses, placedBefore, restaurantId, customerId, courierId } = filter;
  const { search, searchCustomers = false } = filter;
  const conditions = [
    // As literals, since a partial index is used for these only.
    Prisma.raw(`status IN (${statuses.map((status) => `'${status}'`).join(', ')})`),
    ...(after
      ? [Prisma.sql`(created_at, order_id) > (${after.placedAt}::timestamptz, ${after.orderId})`]
      : []),
    ...(placedBefore ? [Prisma.sql`created_at <= ${placedBefore}`] : []),
    ...(customerId !== undefined ? [Prisma.sql`"order" ->> 'customerId' = ${customerId}`] : []),
    ...(courierId !== undefined ? [Prisma.sql`courier_id = ${courierId}`] : []),
    ...(search !== undefined ? [searched(search, searchCustomers)] : []),
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

/** Each alternative has an index, but for the courier's. */
function searched(text: string, customers: boolean): Prisma.Sql {
  // What is typed is text, not a pattern.
  const beginning = `${text.replace(/[\\%_]/g, '\\$&')}%`;
  const ofRequest = /^(.+)\.(?:\d+|withdrawal)$/.exec(text)?.[1] ?? text;
  return Prisma.sql`(order_id LIKE ${beginning} OR order_id = ${ofRequest} OR courier_id = ${text}
    ${customers ? Prisma.sql`OR "order" ->> 'customerId' = ${text}` : Prisma.empty})`;
}
