import { PrismaClient as DispatchClient } from '../database/dispatch/generated/client';
import { PrismaClient as OrdersClient } from '../database/orders/generated/client';
import { UtcPostgres } from '../database/utc-postgres';
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
