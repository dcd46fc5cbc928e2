import type { DispatchedBy, OrderStatus } from '../../domain/status';
import type { OrderFacts } from '../../domain/verdict';
import type { Change, ChangesPage } from '../changes';
import { prismaOf, type OrdersDatabase } from './connection';
import { defined } from '../../domain/defined';

/** What the order database says of these orders, in one statement; absent where it has no such row. */
export async function findOrderFacts(
  database: OrdersDatabase,
  orderIds: readonly string[],
): Promise<Map<string, OrderFacts>> {
  const rows = await prismaOf(database).order.findMany({
    where: { orderId: { in: [...orderIds] } },
    select: { orderId: true, contentHash: true, status: true, dispatchedBy: true, courierId: true },
  });
  return new Map(rows.map((row) => [row.orderId, toOrderFacts(row)]));
}

/** What a row says of its order, for the verdict table. */
export function toOrderFacts(row: {
  contentHash: string;
  status: string;
  dispatchedBy: string | null;
  courierId: string | null;
}): OrderFacts {
  // The row's CHECK constraints vouch for the words.
  const status = row.status as OrderStatus;
  const dispatchedBy = row.dispatchedBy as DispatchedBy | null;
  const { contentHash, courierId } = row;
  const courier = { dispatchedBy: dispatchedBy ?? undefined, courierId: courierId ?? undefined };
  return { status, contentHash, ...(status === 'dispatched' && defined(courier)) };
}

/** The next orders that changed in a time, the longest unchanged first. */
export function findChangedOrders(
  database: OrdersDatabase,
  { after, until, limit }: ChangesPage,
): Promise<Change[]> {
  return prismaOf(database).$queryRaw<Change[]>`
    SELECT order_id AS "orderId",
      (extract(epoch FROM updated_at) * 1000000)::bigint AS "changedAtMicroseconds"
    FROM orders
    WHERE (updated_at, order_id) > ('epoch'::timestamptz
        + ${after.changedAtMicroseconds}::float8 * interval '1 microsecond', ${after.orderId})
      AND updated_at < ${until}
    ORDER BY updated_at, order_id LIMIT ${limit}`;
}

/** Which of these orders changed in a time. */
export async function selectChangedOrders(
  database: OrdersDatabase,
  given: { orderIds: string[]; from: Date; until: Date },
): Promise<Set<string>> {
  const { orderIds, from, until } = given;
  const rows = await prismaOf(database).order.findMany({
    where: { orderId: { in: orderIds }, updatedAt: { gte: from, lt: until } },
    select: { orderId: true },
  });
  return new Set(rows.map(({ orderId }) => orderId));
}
