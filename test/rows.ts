import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient as DispatchClient } from '../database/dispatch/generated/client';
import { PrismaClient as OrdersClient } from '../database/orders/generated/client';

/** The rows of an order database, which tests look at, and alter behind the service's back. */
export type OrdersRows = OrdersClient;

/** The rows of a dispatch database, likewise. */
export type DispatchRows = DispatchClient;

/** Opens an order database; `$disconnect` closes it. */
export function openOrdersRows(url: string): OrdersRows {
  return new OrdersClient({ adapter: new PrismaPg({ connectionString: url, max: 4 }) });
}

/** Opens a dispatch database; `$disconnect` closes it. */
export function openDispatchRows(url: string): DispatchRows {
  return new DispatchClient({ adapter: new PrismaPg({ connectionString: url, max: 4 }) });
}
