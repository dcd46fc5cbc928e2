import type { Acknowledgement } from '../../domain/messages/acknowledgement';
import { withdrawalIdOf } from '../../domain/request-id';
import { prismaOf, type DispatchDatabase } from './connection';
import type { Prisma } from './generated/client';

/** What the dispatch database says of an order. */
export interface KnownOrder {
  /** The answer that was given to this very request or withdrawal. */
  repeat?: Acknowledgement;
  /** The answer that the order's withdrawal was given. */
  withdrawal?: Acknowledgement;
  /** Its courier who is on the way; there is at most one. */
  live?: { courierId: string };
}

/** What to do about it, committed together with the answer; nothing, where it is `undefined`. */
export interface Change {
  /** Kept, so that a repeat gets the same. */
  answer: Acknowledgement;
  /** Assigns a courier. */
  dispatch?: { contentHash: string; courierId: string };
  /** Calls the courier back who is on the way. */
  withdraw?: boolean;
}

/**
 * Decides about an order in one transaction, alone with the order: a request and its withdrawal that
 * come at the same time are decided one after the other.
 *
 * @param given.forgetsAnswer does not keep the answer, for the proof that this would be noticed.
 * @param decide says what is to be done about what is known, or `undefined` for nothing.
 * @returns what was committed.
 */
export function inOrderTransaction<Decided extends Change>(
  database: DispatchDatabase,
  given: { orderId: string; requestId: string; forgetsAnswer?: boolean },
  decide: (known: KnownOrder) => Promise<Decided | undefined>,
): Promise<Decided | undefined> {
  const { orderId, requestId } = given;
  return prismaOf(database).$transaction(
    async (transaction) => {
      // A statement of its own: the next one's snapshot must be taken with the lock held.
      await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${orderId}, 0))`;
      const known = await readOrder(transaction, orderId, requestId);
      const decided = await decide(known);
      if (decided && !known.repeat) await commit(transaction, decided, given);
      return decided;
    },
    { maxWait: 30_000, timeout: 30_000 },
  );
}

async function readOrder(
  transaction: Prisma.TransactionClient,
  orderId: string,
  requestId: string,
): Promise<KnownOrder> {
  const withdrawalId = withdrawalIdOf(orderId);
  const [row] = await transaction.$queryRaw<
    {
      repeat: Acknowledgement | null;
      withdrawal: Acknowledgement | null;
      courierId: string | null;
    }[]
  >`
    SELECT (SELECT answer FROM inbox WHERE request_id = ${requestId}) AS repeat,
      (SELECT answer FROM inbox WHERE request_id = ${withdrawalId}) AS withdrawal,
      (SELECT courier_id FROM dispatches WHERE order_id = ${orderId} AND status = 'live') AS "courierId"`;
  return {
    ...(row?.repeat && { repeat: row.repeat }),
    ...(row?.withdrawal && { withdrawal: row.withdrawal }),
    ...(row?.courierId && { live: { courierId: row.courierId } }),
  };
}

async function commit(
  transaction: Prisma.TransactionClient,
  { answer, dispatch, withdraw = false }: Change,
  { forgetsAnswer = false }: { forgetsAnswer?: boolean },
): Promise<void> {
  const { requestId, orderId } = answer;
  const { contentHash = null, courierId = null } = dispatch ?? {};
  await transaction.$executeRaw`
    WITH assigned AS (
      INSERT INTO dispatches (order_id, request_id, content_hash, courier_id)
      SELECT ${orderId}, ${requestId}, ${contentHash}::text, ${courierId}::text
      WHERE ${courierId}::text IS NOT NULL
    ), withdrawn AS (
      UPDATE dispatches SET status = 'withdrawn', updated_at = now()
      WHERE ${withdraw}::boolean AND order_id = ${orderId} AND status = 'live'
    )
    INSERT INTO inbox (request_id, order_id, answer)
    SELECT ${requestId}, ${orderId}, ${JSON.stringify(answer)}::jsonb WHERE NOT ${forgetsAnswer}::boolean`;
}
