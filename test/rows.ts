import { PrismaClient as DispatchClient } from '../database/dispatch/generated/client';
import { PrismaClient as OrdersClient } from '../database/orders/generated/client';
import { UtcPostgres } from '../database/utc-postgres';
import { contentHash } from '../domain/content-hash';
import type { Order } from '../domain/order';
import { DEFAULT_POLICY } from '../domain/policy';
import { patience } from './patience';

/** The rows of an order database, which tests look at, and alter behind the service's back. */
export type OrdersRows = OrdersClient;

/** The rows of a dispatch database, likewise. */
export type DispatchRows = DispatchClient;

/** A test holds a lock for as long as what waits for it takes. */
const transactionOptions = { maxWait: patience(6_000), timeout: patience(6_000) };

/** Opens an order database; `$disconnect` closes it. */
export function openOrdersRows(url: string): OrdersRows {
  const adapter = new UtcPostgres({ connectionString: url, max: 4 });
  return new OrdersClient({ adapter, transactionOptions });
}

/** Opens a dispatch database; `$disconnect` closes it. */
export function openDispatchRows(url: string): DispatchRows {
  const adapter = new UtcPostgres({ connectionString: url, max: 4 });
  return new DispatchClient({ adapter, transactionOptions });
}

/** Records the row of an order as if it had come so far. @param fields what differs from an order that waits. */
export async function insertOrderRow(
  rows: OrdersRows,
  order: Order,
  fields: Record<string, unknown> = {},
): Promise<void> {
  await rows.order.create({
    data: {
      orderId: order.orderId,
      contentHash: contentHash(order),
      order: order as never,
      policy: DEFAULT_POLICY,
      dispatchBy: new Date(Date.now() + 60_000),
      ...fields,
    },
  });
}
