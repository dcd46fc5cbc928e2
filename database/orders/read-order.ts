import { OrderNotFound } from '../../domain/errors';
import { parseOrder, type Order } from '../../domain/order';
import type { OrderProgress, OrderState } from '../../domain/order-state';
import {
  DEFAULT_POLICY,
  effectivePolicy,
  type Policy,
  type PolicyOverrides,
} from '../../domain/policy';
import { requestIdOf, withdrawalIdOf } from '../../domain/request-id';
import type { OrderFacts } from '../../domain/verdict';
import { findAnswers } from './acknowledgements';
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
    policy: effectivePolicy(DEFAULT_POLICY, row.policy as PolicyOverrides),
    facts: toOrderFacts(row),
  };
}

/**
 * Reads where an order stands.
 *
 * @throws {@link OrderNotFound} where there is none.
 */
export async function readOrderState(
  database: OrdersDatabase,
  orderId: string,
): Promise<OrderState> {
  const row = await prismaOf(database).order.findUnique({ where: { orderId } });
  if (!row) throw new OrderNotFound(orderId);
  return toOrderState(row);
}

/** Finds the applied answers to an order's current request and to its withdrawal. */
export function findAnswersFor(
  database: OrdersDatabase,
  { orderId, requestNumber }: OrderState,
): Promise<Pick<OrderProgress, 'answer' | 'withdrawalAnswer'>> {
  return findAnswers(database, {
    requestId: requestIdOf(orderId, requestNumber),
    withdrawalId: withdrawalIdOf(orderId),
  });
}
