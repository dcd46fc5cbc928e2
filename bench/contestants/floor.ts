import { connect, type ConfirmChannel } from 'amqplib';
import { Pool } from 'pg';
import type { Order } from '../../client';
import { serveContestant } from '../contestant';

const REQUESTS = 'floor.requests';
const ANSWERS = 'floor.answers';

/**
 * (d) The same job with nothing around it, both sides in one process: the order is inserted, the
 * request published and confirmed, the dispatch inserted, the answer published and confirmed, the
 * order updated. No retries, no repeats, no checks: the least that databases and broker cost.
 */
serveContestant(async ({ amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl }) => {
  const orders = new Pool({ connectionString: ordersDatabaseUrl, max: 20 });
  const dispatches = new Pool({ connectionString: dispatchDatabaseUrl, max: 20 });
  const connection = await connect(amqpUrl, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await channel.prefetch(50);
  for (const queue of [REQUESTS, ANSWERS]) {
    await channel.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } });
  }
  const waiting = new Map<string, () => void>();

  await consume(channel, REQUESTS, async (orderId) => {
    await dispatches.query({ ...INSERT_DISPATCH, values: [orderId] });
    await publish(channel, ANSWERS, { orderId });
  });
  await consume(channel, ANSWERS, async (orderId) => {
    await orders.query({ ...UPDATE_ORDER, values: [orderId] });
    waiting.get(orderId)?.();
    waiting.delete(orderId);
  });

  return {
    dispatch: async (order) => {
      await orders.query({ ...INSERT_ORDER, values: [order.orderId, order] });
      const answered = new Promise<void>((resolve) => waiting.set(order.orderId, resolve));
      await publish(channel, REQUESTS, order);
      await answered;
    },
    close: async () => {
      await connection.close();
      await Promise.all([orders.end(), dispatches.end()]);
    },
  };
});

/** Named, so that they are prepared once a connection. */
const INSERT_ORDER = {
  name: 'insert-order',
  text: `INSERT INTO orders (order_id, content_hash, "order", policy, dispatch_by)
         VALUES ($1, '', $2, '{}', now() + interval '45 minutes')`,
};
const INSERT_DISPATCH = {
  name: 'insert-dispatch',
  text: `INSERT INTO dispatches (order_id, request_id, content_hash, courier_id)
         VALUES ($1, $1 || '.1', '', 'courier-1')`,
};
const UPDATE_ORDER = {
  name: 'update-order',
  text: `UPDATE orders SET status = 'dispatched', courier_id = 'courier-1',
         dispatched_by = 'acknowledgement' WHERE order_id = $1`,
};

function publish(
  channel: ConfirmChannel,
  queue: string,
  body: Order | { orderId: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const content = Buffer.from(JSON.stringify(body));
    channel.sendToQueue(queue, content, { persistent: true }, (error: unknown) => {
      if (error) reject(new Error('the broker refused a message', { cause: error }));
      else resolve();
    });
  });
}

async function consume(
  channel: ConfirmChannel,
  queue: string,
  handle: (orderId: string) => Promise<void>,
): Promise<void> {
  await channel.consume(queue, (message) => {
    if (!message) return;
    const { orderId } = JSON.parse(message.content.toString()) as { orderId: string };
    // What fails here is never acked, and the benchmark's check finds it.
    void handle(orderId).then(() => channel.ack(message), console.error);
  });
}
