import { SupervisedConnection } from './connection';
import { Consumer, type ConsumerOptions } from './consumer';
import { assertHomeQueue } from './home-queue';
import { assertTopology, type Topology } from './topology';

/** How a consumer is started. */
export interface StartConsumerOptions extends ConsumerOptions {
  url: string;
  /** What RabbitMQ's management shows, such as `worker consume`. */
  name: string;
  /** Durable queues of the topology; what is given up goes to `<queue>.dead`. */
  queues: readonly string[];
  /** What to declare at each connect. @default all of the service's */
  topology?: Topology;
  /** Messages under way at once. */
  prefetch: number;
  /**
   * Consumes a home queue, too, anew at each connect. It dies with its connection, so its dead letters
   * go where they can stay. @default none
   */
  homeQueue?: { deadLetterQueue: string };
}

/** A consumer with a connection of its own. */
export interface StartedConsumer {
  /** Whether it consumes: connected, and not paused. */
  ready: () => boolean;
  /** The key by which answers reach this process's home queue; `undefined` while it has none. */
  replyKey: () => string | undefined;
  /** Finishes what is under way, gives the rest back to the broker, and closes the connection. */
  close: () => Promise<void>;
}

/**
 * Starts to consume on a connection of its own, which comes back by itself, with topology and queues.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached.
 */
export async function startConsumer(options: StartConsumerOptions): Promise<StartedConsumer> {
  const { url, name, log, queues, topology, prefetch, homeQueue } = options;
  const consumer = new Consumer(options);
  let replyKey: string | undefined;
  const connection = await SupervisedConnection.open({
    url,
    name,
    log,
    lost: () => (replyKey = undefined),
    setup: async (link) => {
      const channel = await link.channel();
      await assertTopology(channel, topology);
      await channel.prefetch(prefetch);
      const home = homeQueue && (await assertHomeQueue(channel));
      if (home) await consumer.consume(channel, { queue: home, ...homeQueue });
      for (const queue of queues) await consumer.consume(channel, { queue });
      replyKey = home;
    },
  });
  return {
    ready: () => connection.available && !consumer.paused,
    replyKey: () => replyKey,
    close: async () => {
      await consumer.stop();
      await connection.close();
    },
  };
}
