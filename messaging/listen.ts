import { EXCHANGES } from '../domain/amqp-names';
import type { Logger } from '../runtime/logger';
import { SupervisedConnection } from './connection';
import { toIncomingMessage, type IncomingMessage } from './incoming-message';
import { assertTopology, EVENTS_TOPOLOGY } from './topology';

/**
 * Hears events while it is there, and none that came before: for what is worth nothing later. Its queue is
 * exclusive to its connection, and gone with it.
 *
 * @param options.type which events.
 * @param options.hear must not throw.
 * @throws BrokerUnavailable where RabbitMQ cannot be reached, or lets it declare no queue.
 */
export async function listenToEvents(options: {
  url: string;
  /** What RabbitMQ's management shows, such as `dispatch-system health`. */
  name: string;
  log: Logger;
  type: string;
  hear: (message: IncomingMessage) => void;
}): Promise<{ close: () => Promise<void> }> {
  const { url, name, log, type, hear } = options;
  return SupervisedConnection.open({
    url,
    name,
    log,
    setup: async (link) => {
      const channel = await link.channel();
      await assertTopology(channel, EVENTS_TOPOLOGY);
      // The broker's own name for it: a user's rights usually allow those.
      const { queue } = await channel.assertQueue('', { exclusive: true, durable: false });
      await channel.bindQueue(queue, EXCHANGES.events, type);
      const onDelivery: Parameters<typeof channel.consume>[1] = (delivery) => {
        // The queue was deleted under us: only a new connection declares it again.
        if (delivery === null) void channel.close().catch(() => {});
        else hear(toIncomingMessage(queue, delivery));
      };
      await channel.consume(queue, onDelivery, { noAck: true });
    },
  });
}
