import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client';

/** The dispatch database. Statements are in the files beside this one, one file per table. */
export type DispatchDatabase = PrismaClient;

/** Opens a pool of connections to the dispatch database; the first statement connects. */
export function openDispatchDatabase(options: {
  url: string;
  /** @default 10 */
  maximumConnections?: number;
}): DispatchDatabase {
  const adapter = new PrismaPg({
    connectionString: options.url,
    max: options.maximumConnections ?? 10,
    connectionTimeoutMillis: 5_000,
  });
  return new PrismaClient({ adapter });
}
