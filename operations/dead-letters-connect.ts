import { openOrdersDatabase, type OrdersDatabase } from '../database/orders/connection';
import { lastDeadLetterId } from '../database/orders/dead-letters';
import { isDatabaseUnavailable } from '../database/unavailable';
import { InvalidConfiguration } from '../domain/errors';
import { SupervisedConnection, type ConnectionOptions } from '../messaging/connection';
import { Publisher } from '../messaging/publisher';

/** The order database does not answer. Whatever was asked is safe to repeat. */
class DatabaseUnreachable extends Error {
  readonly code = 'databaseUnreachable';
}

/**
 * Opens the order database for `work` on its dead letters, and closes it, whatever happens.
 *
 * @throws {@link DatabaseUnreachable} where it does not answer, also in the middle of the work;
 * {@link InvalidConfiguration} where it was not migrated.
 */
export async function withDeadLetters<Result>(
  ordersDatabaseUrl: string,
  work: (database: OrdersDatabase) => Promise<Result>,
): Promise<Result> {
  const database = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 2 });
  const { host, pathname } = new URL(ordersDatabaseUrl);
  try {
    await lastDeadLetterId(database);
    return await work(database);
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'P2021') {
      throw new InvalidConfiguration(
        `the orders database at ${host}${pathname} lacks the table of dead letters: run \`order-dispatch setup migrate\``,
        { cause },
      );
    }
    if (!isDatabaseUnavailable(cause)) throw cause;
    throw new DatabaseUnreachable(`the orders database at ${host}${pathname} does not answer`, {
      cause,
    });
  } finally {
    await database.close();
  }
}

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
