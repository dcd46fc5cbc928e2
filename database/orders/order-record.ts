import { parseOrder, type Order } from '../../domain/order';
import type { OrderState } from '../../domain/order-state';
import type { Policy } from '../../domain/policy';
import type { OrderFacts } from '../../domain/verdict';
import { prismaOf, type OrdersDatabase } from './connection';
import { toOrderFacts } from './order-facts';
import { toOrderState } from './order-row';

/** An order's row, whole. */
export interface OrderRecord {
  order: Order;
  state: OrderState;
  policy: Policy;
  facts: OrderFacts;
}

/** Finds an order's row, whole; `undefined` where there is none. */
export async function findOrder(
  database: OrdersDatabase,
  orderId: string,
): Promise<OrderRecord | undefined> {
  const row = await prismaOf(database).order.findUnique({ where: { orderId } });
  if (!row) return undefined;
  const state = toOrderState(row);
  return {
    order: parseOrder(row.order),
    state,
    policy: row.policy as unknown as Policy,
    facts: toOrderFacts(row),
  };
}
