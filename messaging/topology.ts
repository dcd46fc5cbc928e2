import type { Channel } from 'amqplib';
import { EXCHANGES, QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE } from '../domain/messages/withdrawal';

interface Topology {
  exchanges: { name: string; type: 'topic' | 'direct' | 'fanout'; alternateExchange?: string }[];
  /** Durable quorum queues, each with its dead-letter queue. */
  queues: string[];
  bindings: { exchange: string; queue: string; routingKey: string }[];
}

/**
 * Redeliveries after which the broker itself dead-letters a message: the backstop for one that
 * kills its consumer each time. A consumer's own count (see consumer.ts) is far lower.
 */
const DELIVERY_LIMIT = 50;

/**
 * Everything durable on the broker. None of its arguments is a setting: a queue's arguments cannot
 * change once it exists.
 */
const TOPOLOGY: Topology = {
  exchanges: [
    { name: EXCHANGES.requests, type: 'topic' },
    {
      name: EXCHANGES.acknowledgements,
      type: 'direct',
      alternateExchange: EXCHANGES.sharedAcknowledgements,
    },
    { name: EXCHANGES.sharedAcknowledgements, type: 'fanout' },
  ],
  queues: [QUEUES.dispatchRequests, QUEUES.supplementRequests, QUEUES.acknowledgements],
  bindings: [
    ...[QUEUES.dispatchRequests, QUEUES.supplementRequests].flatMap((queue) =>
      [DISPATCH_REQUEST_TYPE, WITHDRAWAL_TYPE].map((routingKey) => ({
        exchange: EXCHANGES.requests,
        queue,
        routingKey,
      })),
    ),
    { exchange: EXCHANGES.sharedAcknowledgements, queue: QUEUES.acknowledgements, routingKey: '' },
  ],
};

/**
 * Declares all of the topology. Safe to repeat, and repeated at each connect by whoever publishes or
 * consumes: `mandatory` reports only a message that no queue took, so both request queues must be
 * bound before the first request goes out.
 */
export async function assertTopology(channel: Channel): Promise<void> {
  for (const { name, type, alternateExchange } of TOPOLOGY.exchanges) {
    await channel.assertExchange(name, type, {
      durable: true,
      ...(alternateExchange && { alternateExchange }),
    });
  }
  for (const queue of TOPOLOGY.queues) await assertQueueWithDeadLetters(channel, queue);
  for (const { queue, exchange, routingKey } of TOPOLOGY.bindings) {
    await channel.bindQueue(queue, exchange, routingKey);
  }
}

async function assertQueueWithDeadLetters(channel: Channel, queue: string): Promise<void> {
  const deadLetterQueue = deadLetterQueueOf(queue);
  await channel.assertQueue(deadLetterQueue, { durable: true, arguments: QUORUM });
  await channel.assertQueue(queue, {
    durable: true,
    // The default exchange routes to the queue of that name.
    deadLetterExchange: '',
    deadLetterRoutingKey: deadLetterQueue,
    arguments: { ...QUORUM, 'x-delivery-limit': DELIVERY_LIMIT },
  });
}

/** A classic queue's confirm does not mean that the message is on disk, so quorum even on one node. */
const QUORUM = { 'x-queue-type': 'quorum' };
