import { createHash, createHmac } from 'node:crypto';
import type { Act } from '../domain/act';
import { OrderDispatchError } from '../domain/errors';
import { refuseAdoptersDatabase } from './adopters-database';
import { eraseAnswerDetails } from '../database/dispatch/erasure';
import {
  countErasure,
  eraseDeadLetters,
  eraseOrders,
  inErasureTransaction,
  insertErasure,
  lockCustomerOrders,
  rehashErasures,
  type CustomerOrder,
  type ErasedRows,
  type OpenDeadLetter,
} from '../database/orders/erasure';
import type { OperatorDatabases } from './open-databases';

/** What stands in the way of an erasure. */
export interface Unsettled {
  /** Not `dispatched` or `cancelled` yet, with an open human task, or with a withdrawal unanswered. */
  orders: CustomerOrder[];
  /** Open, with the customer's data, and not about a final order of the customer's. */
  deadLetters: OpenDeadLetter[];
}

/** Something of the customer's is not settled yet; nothing was erased. */
export class ErasureRefused extends OrderDispatchError {
  readonly code = 'ErasureRefused';

  constructor(readonly unsettled: Unsettled) {
    const { orders, deadLetters } = unsettled;
    const what = [
      orders.length > 0 && `${orders.length} of the customer's orders`,
      deadLetters.length > 0 && `${deadLetters.length} dead letters with the customer's data`,
    ].filter((part) => part !== false);
    super(`nothing was erased: ${what.join(' and ')} must be settled first`);
  }
}

/** What an erasure blanked, or would blank. */
export interface Erasure {
  /** Of the customer ID, SHA-256 or, with a key, HMAC-SHA-256 (hex): what is kept of it. */
  customerHash: string;
  /** ISO 8601. */
  erasedAt: string;
  /** All of the customer's orders, those that were erased before too. */
  orderIds: string[];
  /** Those of them that are erased only now. */
  newlyErased: string[];
  /** How many of them had been erased before. */
  erasedBefore: number;
  /** How many rows were blanked; the inbox is absent where no dispatch database was given. */
  rows: ErasedRows & { inbox?: number };
}

/** Who has whose personal data erased, and why. */
export interface ErasureRequest {
  customerId: string;
  actor: string;
  note: string;
  /** Which way the act comes. @default 'cli' */
  via?: Act['via'];
  /** Erases nothing, and counts exactly what it would. */
  dryRun: boolean;
  now: Date;
  /**
   * Makes the hash that is kept of the customer ID one that nobody can guess IDs by. Without it, it is a
   * bare SHA-256; both are looked for.
   */
  hashKey?: string;
}

/**
 * Blanks the personal data of a customer's orders: in the order database at once or not at all, then
 * in the dispatch database. The rows stay, with their content hashes and final statuses, so that
 * neither a request's copy, nor a dead letter, nor a sweep, nor the same order placed again brings
 * the data back: whoever meets them finds a final order. Safe to repeat, and worth it when dead
 * letters came late: a repeat finds the same orders by the customer ID's hash.
 *
 * @throws {@link ErasureRefused} where an order is not final, has an open human task, or an open dead
 * letter carries the customer's data into an order that is not the customer's or not known.
 */
export async function eraseCustomer(
  databases: OperatorDatabases,
  request: ErasureRequest,
): Promise<Erasure> {
  const { customerId, actor, note, via = 'cli', dryRun, now } = request;
  if (databases.dispatch) await refuseAdoptersDatabase(databases.dispatch);
  const [customerHash, ...formerHashes] = hashesOf(request);
  const customer = { customerId, customerHashes: [customerHash, ...formerHashes] };
  const { erasureId, orders, rows } = await inErasureTransaction(
    databases.orders,
    async (transaction) => {
      const locked = await lockCustomerOrders(transaction, customer);
      await rehashErasures(transaction, customer);
      const orderIds = locked.map(({ orderId }) => orderId);
      const id = await insertErasure(transaction, { customerHash, actor, note, via, at: now });
      const { deadLetters, unsettled } = await eraseDeadLetters(transaction, {
        orderIds,
        customerId,
        actor,
        at: now,
      });
      const open = locked.filter((order) => !isFinal(order));
      if (open.length > 0 || unsettled.length > 0) {
        throw new ErasureRefused({ orders: open, deadLetters: unsettled });
      }
      const given = { orderIds, customerId, erasureId: id, at: now };
      const blanked = { ...(await eraseOrders(transaction, given)), deadLetters };
      await countErasure(transaction, id, blanked);
      return { erasureId: id, orders: locked, rows: blanked };
    },
    { dryRun },
  );
  const orderIds = orders.map(({ orderId }) => orderId);
  const erasure: Erasure = {
    customerHash,
    erasedAt: now.toISOString(),
    orderIds,
    newlyErased: orders.filter(({ erasedAt }) => erasedAt === null).map(({ orderId }) => orderId),
    erasedBefore: orders.filter(({ erasedAt }) => erasedAt !== null).length,
    rows,
  };
  if (!databases.dispatch) return erasure;
  const inbox = await eraseAnswerDetails(databases.dispatch, orderIds, { dryRun });
  if (!dryRun) await countErasure(databases.orders, erasureId, { inbox });
  return { ...erasure, rows: { ...rows, inbox } };
}

/** What is kept of the customer ID: the hash that is written, and those that it may stand under. */
function hashesOf({ customerId, hashKey }: ErasureRequest): [string, ...string[]] {
  const bare = createHash('sha256').update(customerId).digest('hex');
  if (hashKey === undefined) return [bare];
  return [createHmac('sha256', hashKey).update(customerId).digest('hex'), bare];
}

function isFinal({ status, escalationReason, awaitsWithdrawal }: CustomerOrder): boolean {
  const isEnded = status === 'dispatched' || status === 'cancelled';
  return isEnded && escalationReason === null && !awaitsWithdrawal;
}
