import { readVersion } from '../api/routes/session';
import {
  APP_IDS,
  EXCHANGES,
  MESSAGE_MAX_BYTES,
  QUEUES,
  deadLetterQueueOf,
} from '../domain/amqp-names';
import { BINDINGS, TOPOLOGY } from '../messaging/topology';
import {
  MESSAGE_CONTRACTS,
  schemaFileOf,
  type MessageContract,
  type MessageKind,
} from './message-contracts';

interface Reference {
  $ref: string;
}

/** Where messages go through: an exchange with a routing key, or a queue. */
export interface Channel {
  /** The routing key, or the queue; `null` where the message it answers names it. */
  address: string | null;
  description: string;
  messages: Record<string, Reference>;
  bindings: { amqp: ChannelBinding };
}

type ChannelBinding = { bindingVersion: string } & (
  | { is: 'routingKey'; exchange: { name: string; type: string; durable: true; autoDelete: false } }
  | { is: 'queue'; queue: { name: string; durable: true; exclusive: false; autoDelete: false } }
);

interface Operation {
  action: 'send' | 'receive';
  summary: string;
  channel: Reference;
  messages: Reference[];
  bindings: object;
  reply?: object;
}

/** The document's file, below `contracts/`. */
export const ASYNCAPI_FILE = 'asyncapi.json';

/** An AsyncAPI 3 document, as far as others of ours read it. */
export interface AsyncApi {
  asyncapi: string;
  info: object;
  defaultContentType: string;
  channels: Record<string, Channel>;
  operations: Record<string, Operation>;
  components: { messages: Record<string, object> };
}

const BINDING_VERSION = '0.3.0';

const EXCHANGE_OF: Record<MessageKind, string> = {
  question: EXCHANGES.requests,
  answer: EXCHANGES.acknowledgements,
  event: EXCHANGES.events,
};

/** Whose queue it is. */
const READERS: Record<string, string> = {
  [QUEUES.dispatchRequests]: 'What the dispatch system reads.',
  [QUEUES.supplementRequests]: 'The supplement system’s copy of each request and withdrawal.',
  [QUEUES.acknowledgements]: 'Answers to whoever is gone by now; every worker reads it.',
};

/** All messages with where they go, from the side of this service. */
export function asyncApiDocument(): AsyncApi {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Order Dispatch',
      version: readVersion(),
      description: [
        'What goes over RabbitMQ: requests and withdrawals, their answers, and what others are told.',
        `Bodies are JSON of at most ${MESSAGE_MAX_BYTES} bytes. Every message may come more than once.`,
        'The rules are in docs/dispatch-system.md and docs/events.md.',
      ].join('\n\n'),
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(MESSAGE_CONTRACTS.map((message) => [message.type, wayOf(message)])),
      [EXCHANGES.sharedAcknowledgements]: exchangeChannel(
        EXCHANGES.sharedAcknowledgements,
        null,
        'Where the broker itself hands an answer whose reader is gone. Nobody publishes to it.',
        ofKind('answer'),
      ),
      ...Object.fromEntries(TOPOLOGY.queues.flatMap(queueChannels)),
    },
    operations: {
      ...Object.fromEntries(
        MESSAGE_CONTRACTS.map((message) => [message.type, publishing(message)]),
      ),
      ...Object.fromEntries(TOPOLOGY.queues.flatMap(readings)),
    },
    components: {
      messages: Object.fromEntries(
        MESSAGE_CONTRACTS.map((message) => [message.type, describeMessage(message)]),
      ),
    },
  };
}

function ofKind(kind: MessageKind): string[] {
  return MESSAGE_CONTRACTS.filter((message) => message.kind === kind).map(({ type }) => type);
}

/** How a message leaves whoever makes it. */
function wayOf({ type, kind }: MessageContract): Channel {
  return kind === 'answer'
    ? exchangeChannel(
        EXCHANGE_OF[kind],
        null,
        'The routing key is the `replyTo` of what it answers; empty if that has none.',
        [type],
      )
    : exchangeChannel(EXCHANGE_OF[kind], type, 'The routing key is the type.', [type]);
}

function exchangeChannel(
  name: string,
  address: string | null,
  description: string,
  types: readonly string[],
): Channel {
  const found = TOPOLOGY.exchanges.find((exchange) => exchange.name === name);
  if (!found) throw new Error(`no exchange is called ${name}`);
  return {
    address,
    description,
    messages: messagesOf(types),
    bindings: {
      amqp: {
        is: 'routingKey',
        exchange: { name, type: found.type, durable: true, autoDelete: false },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

/** A queue and its dead letters. */
function queueChannels(queue: string): [string, Channel][] {
  const deadLetters = deadLetterQueueOf(queue);
  const why = `What the readers of \`${queue}\` gave up on, with the reason in its headers.`;
  return [
    [queue, queueChannel(queue, READERS[queue] ?? '')],
    [deadLetters, { ...queueChannel(queue, why), ...queueAddress(deadLetters) }],
  ];
}

function queueChannel(queue: string, description: string): Channel {
  return { ...queueAddress(queue), description, messages: messagesOf(typesIn(queue)) };
}

function queueAddress(name: string): Pick<Channel, 'address' | 'bindings'> {
  return {
    address: name,
    bindings: {
      amqp: {
        is: 'queue',
        queue: { name, durable: true, exclusive: false, autoDelete: false },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

/** What is in a queue, by its bindings. */
function typesIn(queue: string): string[] {
  const keys = BINDINGS.filter((binding) => binding.queue === queue).map(
    ({ routingKey }) => routingKey,
  );
  return keys.flatMap((key) => (key === '' ? ofKind('answer') : [key]));
}

function messagesOf(types: readonly string[]): Record<string, Reference> {
  return Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }]));
}

/** A message goes out of this service, or, where it is an answer, comes in. */
function publishing({ type, kind, summary }: MessageContract): Operation {
  const answers = { $ref: `#/channels/${ofKind('answer')[0]}` };
  return {
    action: kind === 'answer' ? 'receive' : 'send',
    summary,
    ...through(type, [type]),
    bindings:
      kind === 'answer'
        ? { amqp: { ack: true, bindingVersion: BINDING_VERSION } }
        : {
            amqp: {
              deliveryMode: 2,
              mandatory: true,
              timestamp: true,
              bindingVersion: BINDING_VERSION,
            },
          },
    ...(kind === 'question' && {
      reply: { address: { location: '$message.header#/replyTo' }, channel: answers },
    }),
  };
}

/** What this service reads, of a queue and of its dead letters. */
function readings(queue: string): [string, Operation][] {
  const types = typesIn(queue);
  const reading = (name: string, summary: string): [string, Operation] => [
    name,
    {
      action: 'receive',
      summary,
      ...through(name, types),
      bindings: { amqp: { ack: true, bindingVersion: BINDING_VERSION } },
    },
  ];
  const deadLetters = reading(deadLetterQueueOf(queue), 'The supplement system keeps them.');
  // The dispatch system is not ours.
  if (queue === QUEUES.dispatchRequests) return [deadLetters];
  return [reading(queue, READERS[queue] ?? ''), deadLetters];
}

function through(channel: string, types: readonly string[]) {
  return {
    channel: { $ref: `#/channels/${channel}` },
    messages: types.map((type) => ({ $ref: `#/channels/${channel}/messages/${type}` })),
  };
}

const PROPERTIES: Record<MessageKind, string> = {
  question: `\`messageId\` is as \`requestId\`, \`replyTo\` who waits, \`appId\` \`${APP_IDS.orderDispatch}\`.`,
  answer: `\`messageId\` is a new UUID, \`correlationId\` as \`requestId\`, \`appId\` \`${APP_IDS.dispatchSystem}\`.`,
  event: `\`messageId\` is the same however often the event comes, \`appId\` \`${APP_IDS.orderDispatch}\`.`,
};

function describeMessage({ type, kind, summary, rules, example }: MessageContract): object {
  return {
    name: type,
    title: type,
    summary,
    description: `${rules} Properties: ${PROPERTIES[kind]}`,
    contentType: 'application/json',
    headers: {
      type: 'object',
      properties: { traceparent: { type: 'string', description: 'W3C trace context' } },
    },
    payload: { $ref: `./${schemaFileOf(type)}` },
    bindings: { amqp: { messageType: type, bindingVersion: BINDING_VERSION } },
    examples: [{ payload: example }],
  };
}
