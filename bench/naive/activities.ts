import type { ConfirmChannel } from 'amqplib';
import type { Pool } from 'pg';
import type { Order } from '../../client';
import { EXCHANGES } from '../../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';

/** How long the dispatch system may take, in ms. */
const DISPATCH_WITHIN_MS = 45 * 60_000;

/** What the workflow calls. */
export type NaiveActivities = ReturnType<typeof createNaiveActivities>;

/** The steps of the naive build, each an activity. */
export function createNaiveActivities({
  orders,
  channel,
}: {
  orders: Pool;
  channel: ConfirmChannel;
}) {
  return {
    async recordOrder(order: Order): Promise<void> {
      await orders.query(
        `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by)
         VALUES ($1, '', $2, '{}', now() + interval '45 minutes') ON CONFLICT DO NOTHING`,
        [order.orderId, order],
      );
    },

    /** Resolves when the broker has confirmed the request. */
    publishRequest(order: Order): Promise<void> {
      const { orderId } = order;
      const requestId = `${orderId}.1`;
      const dispatchBy = new Date(Date.now() + DISPATCH_WITHIN_MS).toISOString();
      const body = { requestId, orderId, dispatchBy, contentHash: 'none', order };
      return new Promise((resolve, reject) => {
        channel.publish(
          EXCHANGES.requests,
          DISPATCH_REQUEST_TYPE,
          Buffer.from(JSON.stringify(body)),
          { persistent: true, type: DISPATCH_REQUEST_TYPE, messageId: requestId },
          (error: unknown) => {
            if (error) reject(new Error('the broker refused the request', { cause: error }));
            else resolve();
          },
        );
      });
    },

    async markDispatched(orderId: string, courierId: string): Promise<void> {
      await orders.query(
        `UPDATE orders SET status = 'dispatched', courier_id = $2,
         dispatched_by = 'acknowledgement' WHERE order_id = $1`,
        [orderId, courierId],
      );
    },
  };
}
