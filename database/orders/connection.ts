import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client';

/** The order database. Statements are in the files beside this one, one file per table. */
export type OrdersDatabase = PrismaClient;

/** Opens a pool of connections to the order database; the first statement connects. */
export function openOrdersDatabase(options: {
  url: string;
  /** @default 10 */
  maximumConnections?: number;
}): OrdersDatabase {
  const adapter = new PrismaPg({
    connectionString: options.url,
    max: options.maximumConnections ?? 10,
    connectionTimeoutMillis: 5_000,
  });
  return new PrismaClient({ adapter });
}
