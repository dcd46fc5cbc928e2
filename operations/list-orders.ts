import type { OrdersDatabase } from '../database/orders/connection';
import { listOrders as listRows } from '../database/orders/list-orders';
import {
  cursorOf,
  parseCursor,
  type OrderListFilter,
  type OrderListRow,
} from '../domain/order-list';

/** A page of orders. */
export interface OrderPage {
  /** The oldest first. */
  orders: OrderListRow[];
  /** With what the next page begins; null where this is the last one. */
  next: string | null;
}

/**
 * Lists orders page by page.
 *
 * @param given.after what the page before said is next.
 * @throws UsageError where it is none.
 */
export async function listOrders(
  database: OrdersDatabase,
  given: { filter: OrderListFilter; after?: string; limit: number },
): Promise<OrderPage> {
  const { filter, after, limit } = given;
  const place = after === undefined ? {} : { after: parseCursor(after) };
  const rows = await listRows(database, { filter, ...place, limit: limit + 1 });
  const orders = rows.slice(0, limit);
  const last = orders.at(-1);
  return { orders, next: rows.length > limit && last ? cursorOf(last) : null };
}
