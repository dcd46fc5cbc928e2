import { randomUUID } from 'node:crypto';
import type { Channel } from 'amqplib';
import { EXCHANGES } from '../domain/amqp-names';

/**
 * Declares this process's home queue: exclusive to the connection and gone with it. Its name, which
 * is also the reply key, is new for each connection, since the broker keeps the name of a half-open
 * connection's queue locked. Answers to an old key reach the shared queue by the alternate exchange.
 *
 * @returns the queue's name, which is the reply key.
 */
export async function assertHomeQueue(channel: Channel): Promise<string> {
  const replyKey = `order-dispatch.home.${randomUUID()}`;
  await channel.assertQueue(replyKey, { exclusive: true, durable: false, autoDelete: true });
  await channel.bindQueue(replyKey, EXCHANGES.acknowledgements, replyKey);
  return replyKey;
}
