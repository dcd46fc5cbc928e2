import type { DispatchedBy, OrderStatus } from '../../domain/status';
import type { Facts, OrderFacts } from '../../domain/verdict';
import type { OrdersDatabase } from './connection';

/** What the order database says of these orders, in one statement; absent where it has no such row. */
export async function findOrderFacts(
  database: OrdersDatabase,
  orderIds: readonly string[],
): Promise<Map<string, OrderFacts>> {
  const rows = await database.order.findMany({
    where: { orderId: { in: [...orderIds] } },
    select: { orderId: true, contentHash: true, status: true, dispatchedBy: true, courierId: true },
  });
  return new Map(rows.map((row) => [row.orderId, toOrderFacts(row)]));
}

function toOrderFacts(row: {
  contentHash: string;
  status: string;
  dispatchedBy: string | null;
  courierId: string | null;
}): OrderFacts {
  // The row's CHECK constraints vouch for the words.
  const status = row.status as OrderStatus;
  const dispatchedBy = row.dispatchedBy as DispatchedBy | null;
  const { contentHash, courierId } = row;
  return {
    status,
    contentHash,
    ...(status === 'dispatched' && dispatchedBy && { dispatchedBy }),
    ...(status === 'dispatched' && courierId && { courierId }),
  };
}

/**
 * What a person decided to keep of these orders, in one statement: only where that was the last thing
 * done about the order.
 */
export async function findKeptFactsOf(
  database: OrdersDatabase,
  orderIds: readonly string[],
): Promise<Map<string, Facts>> {
  const rows = await database.$queryRaw<{ orderId: string; done: string; after: Facts }[]>`
    SELECT DISTINCT ON (order_id) order_id AS "orderId", done, after
    FROM repairs WHERE order_id = ANY(${[...orderIds]}::text[])
    ORDER BY order_id, id DESC`;
  return new Map(
    rows.filter(({ done }) => done === 'kept').map(({ orderId, after }) => [orderId, after]),
  );
}
