import { SupervisedConnection, type ConnectionOptions } from './connection';

/** What a queue holds, and who reads it. */
export interface QueueDepth {
  messages: number;
  consumers: number;
}

/**
 * Looks at durable queues, on a connection of its own.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached, or a queue does not exist.
 */
export async function readQueueDepths(
  options: Pick<ConnectionOptions, 'url' | 'name' | 'log'>,
  queues: readonly string[],
): Promise<Record<string, QueueDepth>> {
  const depths: Record<string, QueueDepth> = {};
  const connection = await SupervisedConnection.open({
    ...options,
    setup: async (link) => {
      const channel = await link.channel();
      for (const queue of queues) {
        const { messageCount, consumerCount } = await channel.checkQueue(queue);
        depths[queue] = { messages: messageCount, consumers: consumerCount };
      }
    },
  });
  await connection.close();
  return depths;
}
