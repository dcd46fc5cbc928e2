import { OrderConflict } from '../../domain/errors';
import type { Order } from '../../domain/order';
import type { OrderProgress } from '../../domain/order-state';
import { DEFAULT_POLICY, effectivePolicy, type Policy } from '../../domain/policy';
import { withdrawalIdOf } from '../../domain/request-id';
import { prismaOf, type OrdersDatabase } from './connection';
import { orderColumns, toOrderState, type OrderRow } from './order-row';
import { findAnswersFor } from './read-order';

/** What {@link insertOrRead} records where the order is new. */
export interface NewOrder {
  order: Order;
  contentHash: string;
  policy: Policy;
  /** ISO 8601. */
  dispatchBy: string;
  /** `n` of the request to begin with; more than 1 where a lost row comes back. @default 1 */
  requestNumber?: number;
  /**
   * Whether this may be a lost row that comes back: where its withdrawal was answered before, that is
   * where it goes on. @default false
   */
  mayBeRestored?: boolean;
}

/**
 * Records the order, or reads it where it is recorded already, in one statement. The beginning of
 * every activity that touches an order, so that any of them may run first, twice or late. Where a hold
 * is in force, an order that waits is put on its list; the share lock keeps the hold from ending before
 * that is committed, so that its release forgets nobody.
 *
 * @param attempt whether the order is about to be handed to the publisher; counted only where the
 * order waits for an answer and no hold is in force. (An acceptance that the row does not show was
 * applied to a row that is lost: asking again brings it again.)
 * @throws {@link OrderConflict} where the order ID is recorded with other content.
 */
export async function insertOrRead(
  database: OrdersDatabase,
  { order, contentHash, policy, dispatchBy, requestNumber = 1, mayBeRestored = false }: NewOrder,
  { attempt }: { attempt: boolean },
): Promise<OrderProgress> {
  const counted = attempt ? 1 : 0;
  const rows = await prismaOf(database).$queryRaw<
    (OrderRow & { contentHash: string; policy: Policy; isNew: boolean; holdId: number | null })[]
  >`
    WITH hold AS MATERIALIZED (
      SELECT h.id FROM holds h WHERE h.ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM held_orders r
        WHERE r.order_id = ${order.orderId} AND r.hold_id >= h.id AND r.released_at IS NOT NULL)
      FOR SHARE OF h
    ), recorded AS (
      INSERT INTO orders AS o
        (order_id, content_hash, "order", policy, dispatch_by, request_number, attempts, status)
      VALUES (${order.orderId}, ${contentHash}, ${JSON.stringify(order)}::jsonb,
              ${JSON.stringify(policy)}::jsonb, ${dispatchBy}::timestamptz, ${requestNumber},
              CASE WHEN EXISTS (SELECT 1 FROM hold) THEN 0 ELSE ${counted} END,
              CASE WHEN ${mayBeRestored} AND EXISTS (
                SELECT 1 FROM acknowledgements
                WHERE request_id = ${withdrawalIdOf(order.orderId)} AND class = 'first')
              THEN 'cancelling' ELSE 'placed' END)
      ON CONFLICT (order_id) DO UPDATE SET attempts = o.attempts + CASE
        WHEN o.status = 'placed' AND o.content_hash = excluded.content_hash AND NOT EXISTS (
          SELECT 1 FROM acknowledgements
          WHERE request_id = o.order_id || '.' || o.request_number AND class = 'first'
            AND outcome = 'rejected') AND NOT EXISTS (SELECT 1 FROM hold)
        THEN ${counted} ELSE 0 END
      RETURNING ${orderColumns('o')}, o.content_hash AS "contentHash", o.policy, (xmax = 0) AS "isNew"
    ), held AS (
      INSERT INTO held_orders AS w (hold_id, order_id, held_at)
      SELECT hold.id, recorded."orderId", clock_timestamp() FROM hold, recorded
      WHERE recorded.status = 'placed' AND recorded."contentHash" = ${contentHash}
      ON CONFLICT (order_id) DO UPDATE SET hold_id = excluded.hold_id, released_at = NULL,
        told_at = NULL, held_at = CASE WHEN w.released_at IS NULL THEN w.held_at
          ELSE excluded.held_at END
      WHERE w.hold_id < excluded.hold_id
    )
    SELECT recorded.*, (SELECT id FROM hold) AS "holdId" FROM recorded`;
  const row = rows[0];
  if (!row || row.contentHash !== contentHash) throw new OrderConflict(order.orderId);
  const state = toOrderState(row);
  // A new row has no answers yet: spare the quick path the second statement.
  return {
    order: state,
    // A row of before lacks what policies have since.
    policy: effectivePolicy(DEFAULT_POLICY, row.policy),
    ...(row.holdId !== null && state.status === 'placed' && { holdId: row.holdId }),
    ...(row.isNew && !mayBeRestored ? {} : await findAnswersFor(database, state)),
  };
}
