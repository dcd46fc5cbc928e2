import { ASYNCAPI_FILE, type AsyncApi, type Channel } from './asyncapi';
import { schemaFileOf, type MessageContract, type MessageKind } from './message-contracts';
import { SchemaComparison, type Direction, type Schema } from './schema-changes';

/** Messages and where they go, as they are or were. */
export interface Contracts {
  /** Of the bodies, by the message's type. */
  schemas: ReadonlyMap<string, Schema>;
  channels: AsyncApi['channels'];
}

/**
 * Who must understand whom. A question or an event of ours is read by others, and by our own processes
 * of another version; of an answer we are the reader.
 */
const DIRECTIONS: Record<MessageKind, readonly Direction[]> = {
  question: ['sent', 'answered'],
  event: ['sent', 'answered'],
  answer: ['sent'],
};

/**
 * Names what whoever was built on the contracts of before would stumble over by the next: messages,
 * fields and words that are gone, what must be sent by now, and ways that lead elsewhere.
 *
 * @param messages what there is by now.
 */
export function findContractChanges(
  before: Contracts,
  after: Contracts,
  messages: readonly Pick<MessageContract, 'type' | 'kind'>[],
): string[] {
  const found: string[] = [];
  for (const [type, was] of before.schemas) {
    const message = messages.find((each) => each.type === type);
    const is = after.schemas.get(type);
    if (!message || !is) found.push(`${type} is gone`);
    for (const direction of message ? DIRECTIONS[message.kind] : []) {
      const comparison = new SchemaComparison({ before: {}, after: {} });
      found.push(...comparison.schemas(type, direction, was, is));
    }
  }
  for (const [name, was] of Object.entries(before.channels)) {
    found.push(...channelChanges(`channel ${name}`, was, after.channels[name]));
  }
  return [...new Set(found)];
}

/** Exchanges and queues that are there cannot be declared in another way. */
function channelChanges(place: string, was: Channel, is: Channel | undefined): string[] {
  if (!is) return [`${place} is gone`];
  const way = ({ address, bindings: { amqp } }: Channel) =>
    JSON.stringify(amqp.is === 'queue' ? amqp.queue : { address, exchange: amqp.exchange });
  const gone = Object.keys(was.messages).filter((type) => !(type in is.messages));
  return [
    ...(way(was) === way(is) ? [] : [`${place} was ${way(was)}, and is ${way(is)}`]),
    ...gone.map((type) => `${place} has no ${type} any more`),
  ];
}

/** The contracts that the files of a folder `contracts/` hold, by their names. */
export function readContracts(files: ReadonlyMap<string, string>): Contracts {
  const ending = schemaFileOf('');
  const schemas = [...files]
    .filter(([name]) => name.endsWith(ending))
    .map(([name, text]) => [name.slice(0, -ending.length), JSON.parse(text) as Schema] as const);
  const { channels } = JSON.parse(files.get(ASYNCAPI_FILE) ?? '{"channels":{}}') as AsyncApi;
  return { schemas: new Map(schemas), channels };
}
