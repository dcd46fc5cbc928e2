import type { Channel } from 'amqplib';
import { EXCHANGES, QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE } from '../domain/messages/withdrawal';
import { OUTCOME_EVENT_TYPES, type OutcomeEventType } from '../domain/outcome-events';

/** What is declared on the broker. */
export interface Topology {
  exchanges: { name: string; type: 'topic' | 'direct' | 'fanout'; alternateExchange?: string }[];
  /** Durable quorum queues, each with its dead-letter queue. */
  queues: string[];
  bindings: Binding[];
  /** Bindings that an earlier version may have left, or an earlier choice. */
  formerBindings?: Binding[];
}

interface Binding {
  exchange: string;
  queue: string;
  routingKey: string;
}

/**
 * Redeliveries after which the broker itself dead-letters a message: the backstop for one that
 * kills its consumer each time. A consumer's own count (see consumer.ts) is far lower.
 */
const DELIVERY_LIMIT = 50;

/** A classic queue's confirm does not mean that the message is on disk, so quorum even on one node. */
const QUORUM = { 'x-queue-type': 'quorum' };

const EVENTS = { name: EXCHANGES.events, type: 'topic' } as const;

/**
 * Everything durable on the broker. None of its arguments is a setting: a queue's arguments cannot
 * change once it exists.
 */
export const TOPOLOGY: Topology = {
  exchanges: [
    { name: EXCHANGES.requests, type: 'topic' },
    {
      name: EXCHANGES.acknowledgements,
      type: 'direct',
      alternateExchange: EXCHANGES.sharedAcknowledgements,
    },
    { name: EXCHANGES.sharedAcknowledgements, type: 'fanout' },
    EVENTS,
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

/** An exchange or a queue: how to look whether it is there, and how to declare it. */
export interface Declaration {
  name: string;
  /** Fails where it is not there. */
  look: (channel: Channel) => Promise<unknown>;
  /** Safe to repeat; fails where it is there with other arguments. */
  declare: (channel: Channel) => Promise<unknown>;
}

/** All exchanges and queues of a topology, in an order in which they can be declared. */
function declarationsOf({ exchanges, queues }: Topology): Declaration[] {
  return [
    ...exchanges.map(({ name, type, alternateExchange }) => ({
      name,
      look: (channel: Channel) => channel.checkExchange(name),
      declare: (channel: Channel) =>
        channel.assertExchange(name, type, {
          durable: true,
          ...(alternateExchange && { alternateExchange }),
        }),
    })),
    ...queues.flatMap((queue) => queueWithDeadLetters(queue)),
  ];
}

/** All exchanges and queues. */
export const DECLARATIONS: readonly Declaration[] = declarationsOf(TOPOLOGY);

/** All bindings between them. */
export const BINDINGS = TOPOLOGY.bindings;

/**
 * Declares all of the topology. Safe to repeat, and repeated at each connect by whoever publishes or
 * consumes: `mandatory` reports only a message that no queue took, so both request queues must be
 * bound before the first request goes out.
 */
export async function assertTopology(channel: Channel, topology = TOPOLOGY): Promise<void> {
  for (const { declare } of declarationsOf(topology)) await declare(channel);
  for (const { queue, exchange, routingKey } of topology.bindings) {
    await channel.bindQueue(queue, exchange, routingKey);
  }
  for (const { queue, exchange, routingKey } of topology.formerBindings ?? []) {
    await channel.unbindQueue(queue, exchange, routingKey);
  }
}

/** Where events go, and nothing else: who only listens to them may have no right to the rest. */
export const EVENTS_TOPOLOGY: Topology = { exchanges: [EVENTS], queues: [], bindings: [] };

/**
 * What a reader of events needs, and no more: it may have no right to the rest.
 *
 * @param given.types which events its queue gets.
 */
export function eventQueueTopology(given: {
  queue: string;
  types: readonly OutcomeEventType[];
}): Topology {
  const bindings = OUTCOME_EVENT_TYPES.map((type) => ({
    exchange: EVENTS.name,
    queue: given.queue,
    routingKey: type,
  }));
  const isAskedFor = ({ routingKey }: { routingKey: OutcomeEventType }) =>
    given.types.includes(routingKey);
  return {
    exchanges: [EVENTS],
    queues: [given.queue],
    bindings: bindings.filter(isAskedFor),
    formerBindings: bindings.filter((binding) => !isAskedFor(binding)),
  };
}

function queueWithDeadLetters(queue: string): Declaration[] {
  const deadLetterQueue = deadLetterQueueOf(queue);
  return [
    {
      name: deadLetterQueue,
      look: (channel) => channel.checkQueue(deadLetterQueue),
      declare: (channel) =>
        channel.assertQueue(deadLetterQueue, { durable: true, arguments: QUORUM }),
    },
    {
      name: queue,
      look: (channel) => channel.checkQueue(queue),
      declare: (channel) =>
        channel.assertQueue(queue, {
          durable: true,
          // The default exchange routes to the queue of that name.
          deadLetterExchange: '',
          deadLetterRoutingKey: deadLetterQueue,
          arguments: { ...QUORUM, 'x-delivery-limit': DELIVERY_LIMIT },
        }),
    },
  ];
}
