import type { DispatchedBy, OrderStatus } from '../../domain/status';
import type { OrderFacts } from '../../domain/verdict';
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

/** Orders that changed in a time, by ID, after `afterId`. */
export async function findChangedOrderIds(
  database: OrdersDatabase,
  page: { from: Date; until: Date; afterId: string; limit: number },
): Promise<string[]> {
  const rows = await prismaOf(database).order.findMany({
    where: { updatedAt: { gte: page.from, lt: page.until }, orderId: { gt: page.afterId } },
    select: { orderId: true },
    orderBy: { orderId: 'asc' },
    take: page.limit,
  });
  return rows.map(({ orderId }) => orderId);
}
