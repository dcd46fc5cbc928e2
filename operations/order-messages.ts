import { listLedger, type LedgerRow } from '../database/orders/acknowledgements';
import type { OrdersDatabase } from '../database/orders/connection';
import { findDeadLetters } from '../database/orders/dead-letters';
import { showDeadLetter, type ShownDeadLetter } from './dead-letters';

/** The messages about an order that somebody recorded. */
export interface OrderMessages {
  /** All answers that ever came, the oldest first. */
  acknowledgements: LedgerRow[];
  /** Whole, the oldest first. */
  deadLetters: ShownDeadLetter[];
}

/** How many answers are told, and of how many dead letters. */
const MOST = { acknowledgements: 500, deadLetters: 50 };

/**
 * Reads the messages about an order.
 *
 * @param given.content whether the dead letters' content, which may be personal, is told, too.
 */
export async function readOrderMessages(
  database: OrdersDatabase,
  { orderId, content }: { orderId: string; content: boolean },
): Promise<OrderMessages> {
  const [acknowledgements, found] = await Promise.all([
    listLedger(database, { orderId, limit: MOST.acknowledgements }),
    findDeadLetters(database, { orderId }, MOST.deadLetters),
  ]);
  const deadLetters = await Promise.all(
    found.map(({ id }) => showDeadLetter({ database, id, content })),
  );
  return { acknowledgements, deadLetters };
}
