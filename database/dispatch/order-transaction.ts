import { prismaOf, type DispatchDatabase } from './connection';
import { Prisma } from './generated/client';

/** A transaction on the dispatch database. */
export type DispatchTransaction = Prisma.TransactionClient;

/**
 * Runs `work` in one transaction, alone with the order: a request and its withdrawal that come at the
 * same time are decided one after the other.
 */
export function inOrderTransaction<Result>(
  database: DispatchDatabase,
  orderId: string,
  work: (transaction: DispatchTransaction) => Promise<Result>,
): Promise<Result> {
  return prismaOf(database).$transaction(
    async (transaction) => {
      // A statement of its own: the next one's snapshot must be taken with the lock held.
      await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${orderId}, 0))`;
      return work(transaction);
    },
    { maxWait: 30_000, timeout: 30_000 },
  );
}
