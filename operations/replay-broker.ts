import { SupervisedConnection, type ConnectionOptions } from '../messaging/connection';
import { Publisher } from '../messaging/publisher';

/** The broker, as a replay needs it. */
export interface ReplayBroker {
  publisher: Pick<Publisher, 'publish' | 'whenAvailable'>;
  /** Those of the queues that nobody consumes just now. */
  queuesWithoutConsumer: (queues: readonly string[]) => Promise<string[]>;
  close: () => Promise<void>;
}

/**
 * Connects to the broker for a replay.
 *
 * @throws BrokerUnavailable where it cannot be reached.
 */
export async function openReplayBroker(
  options: Pick<ConnectionOptions, 'url' | 'log'>,
): Promise<ReplayBroker> {
  const publisher = await Publisher.open({ ...options, name: 'replay publish' });
  return {
    publisher,
    queuesWithoutConsumer: async (queues) => {
      const without: string[] = [];
      const connection = await SupervisedConnection.open({
        ...options,
        name: 'replay look',
        setup: async (link) => {
          const channel = await link.channel();
          for (const queue of queues) {
            const { consumerCount } = await channel.checkQueue(queue);
            if (consumerCount === 0) without.push(queue);
          }
        },
      });
      await connection.close();
      return without;
    },
    close: () => publisher.close(),
  };
}
