import { z } from 'zod';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import {
  amqpUrlOption,
  anyOption,
  checkOptions,
  countOption,
  type OptionsShape,
} from '../domain/options';
import {
  OUTCOME_EVENT_BODIES,
  OUTCOME_EVENT_TYPES,
  type OutcomeEvent,
  type OutcomeEventType,
} from '../domain/outcome-events';
import type { RetryPauses } from '../messaging/consumer';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';
import { Publisher } from '../messaging/publisher';
import { startConsumer } from '../messaging/start-consumer';
import { eventQueueTopology } from '../messaging/topology';
import { createLogger, type Logger } from '../runtime/logger';

/** What {@link consumeOutcomeEvents} needs. */
export interface ConsumeOutcomeEventsOptions<Type extends OutcomeEventType = OutcomeEventType> {
  amqpUrl: string;
  /** A queue of your own, which is declared: durable, and read by all your processes of one purpose. */
  queue: string;
  /** Which events. @default all that this version knows */
  types?: readonly Type[];
  /**
   * Handles one event; it is acked when this resolves. The same event may come again: `eventId` tells.
   * Where it fails it is called again after 1, 2, 4 and 8 s; then the event goes to `<queue>.dead`.
   */
  onEvent: (event: OutcomeEvent<Type>) => Promise<void>;
  /**
   * Whether a failure of `onEvent` is that of something it stands on, such as your database: then all
   * events wait until it is back, and none is given up. @default none is
   */
  isOutage?: (error: unknown) => boolean;
  /** Events under way at once. With 1, an order's events are handled in their order. @default 1 */
  prefetch?: number;
  /** @default JSON lines on stderr, from level info */
  log?: Logger;
}

const NOT_OURS = 'must be the name of a queue of your own, such as payments.order-events';

const OPTIONS: OptionsShape<ConsumeOutcomeEventsOptions> = {
  amqpUrl: amqpUrlOption,
  queue: z
    .string({ error: NOT_OURS })
    .min(1, { error: NOT_OURS })
    .max(200)
    // What is read from one of these is lost to the service.
    .refine((name) => !SERVICE_QUEUES.has(name) && !name.startsWith('amq.'), { error: NOT_OURS }),
  types: z
    .array(z.enum(OUTCOME_EVENT_TYPES))
    .min(1, { error: 'must name one at least; leave it out for all' })
    .optional(),
  onEvent: z.custom((given) => typeof given === 'function', { error: 'must be a function' }),
  isOutage: z
    .custom((given) => typeof given === 'function', { error: 'must be a function' })
    .optional(),
  prefetch: countOption.max(65_535).optional(),
  log: anyOption,
};

const SERVICE_QUEUES = new Set(
  Object.values(QUEUES).flatMap((queue) => [queue, deadLetterQueueOf(queue)]),
);

/** A consumer of events; see {@link consumeOutcomeEvents}. */
export interface OutcomeEventConsumer {
  /** Whether it consumes: connected, and not paused. */
  ready: () => boolean;
  /** Waits for the handlers under way, gives the rest back to the broker, and closes the connections. */
  close: () => Promise<void>;
}

/**
 * {@link consumeOutcomeEvents}, with what only tests set.
 *
 * @param seams.pauses between tries.
 */
export async function startOutcomeEventConsumer<Type extends OutcomeEventType = OutcomeEventType>(
  options: ConsumeOutcomeEventsOptions<Type>,
  seams: { pauses?: RetryPauses } = {},
): Promise<OutcomeEventConsumer> {
  checkOptions<ConsumeOutcomeEventsOptions<Type>>('consumeOutcomeEvents', options, OPTIONS);
  const { amqpUrl, queue, types = OUTCOME_EVENT_TYPES, onEvent, isOutage, prefetch = 1 } = options;
  const { log = createLogger({ process: 'events', level: 'info' }) } = options;
  const asked: ReadonlySet<string> = new Set(types);
  const isAskedFor = (type: string): type is Type => asked.has(type);
  const topology = eventQueueTopology({ queue, types });
  const shared = { url: amqpUrl, log, topology };
  const publisher = await Publisher.open({ ...shared, name: `${queue} dead letters` });
  try {
    const consumer = await startConsumer({
      ...shared,
      name: `${queue} consume`,
      queues: [queue],
      prefetch,
      publisher,
      ...seams,
      faultOf: (error) => (isOutage?.(error) ? 'infrastructure' : 'message'),
      handle: async (message) => {
        const { type, messageId } = message;
        if (isAskedFor(type)) await onEvent(toOutcomeEvent(message, type));
        // Left from an earlier choice of types, or bound by hand.
        else log.debug({ messageId, type }, 'nobody asked for this event');
      },
    });
    return {
      ready: consumer.ready,
      close: async () => {
        await consumer.close();
        await publisher.close();
      },
    };
  } catch (error) {
    await publisher.close();
    throw error;
  }
}

/**
 * Consumes what others are told of orders and human tasks, from a durable queue of your own: it fills
 * while you are away. The connection comes back by itself, with the queue and its bindings.
 *
 * @throws BrokerUnavailable where RabbitMQ cannot be reached; InvalidConfiguration where an option is not
 * known, missing or wrong.
 */
export function consumeOutcomeEvents<Type extends OutcomeEventType = OutcomeEventType>(
  options: ConsumeOutcomeEventsOptions<Type>,
): Promise<OutcomeEventConsumer> {
  return startOutcomeEventConsumer(options);
}

/** @throws MalformedMessage where its body is not that of its type. */
function toOutcomeEvent<Type extends OutcomeEventType>(
  message: IncomingMessage,
  type: Type,
): OutcomeEvent<Type> {
  const body = parseBody<z.ZodType>(message, OUTCOME_EVENT_BODIES[type]);
  // As the table says of the type.
  return { type, eventId: message.messageId, ...(body as object) } as OutcomeEvent<Type>;
}
