import { UnwritableMessage, type OutgoingMessage, type Publisher } from './publisher';

/** The header that describes the properties and headers that could not be written. */
const UNWRITABLE_HEADER = 'unwritable';

/** How many bytes the received headers may take together: amqplib writes 64 KiB, with ours among them. */
const HEADERS_MAX_BYTES = 48 * 1024;

/** How many characters the description may have, and what it quotes of each part. */
const DESCRIPTION_MAX_LENGTH = 8_000;
const QUOTE_MAX_LENGTH = 400;

/** A property is a short string. */
const SHORT_STRING_MAX_BYTES = 255;

const PROPERTIES = ['type', 'messageId', 'correlationId', 'replyTo', 'appId'] as const;

/**
 * Publishes a message that was received before. The broker delivers properties and headers that amqplib cannot
 * write: headers above 64 KiB, a number below -2^63, a text that is longer once its bad UTF-8 is replaced. Those
 * are left out and described in the header `unwritable`. The body stays as it is.
 */
export async function publishReceived(
  publisher: Pick<Publisher, 'publish'>,
  message: OutgoingMessage,
): Promise<void> {
  try {
    await publisher.publish(message);
  } catch (error) {
    if (!(error instanceof UnwritableMessage)) throw error;
    await publisher.publish(writable(message));
  }
}

/** A copy of a message that amqplib can write. */
function writable(message: OutgoingMessage): OutgoingMessage {
  const copy: OutgoingMessage = { ...message, headers: {} };
  const left: string[] = [];
  for (const property of PROPERTIES) {
    const value = message[property];
    if (value === undefined || Buffer.byteLength(value) <= SHORT_STRING_MAX_BYTES) continue;
    left.push(`property ${property}: ${quote(value)}`);
    copy[property] = '';
  }
  if (!isTimestamp(message.timestamp ?? 0)) {
    left.push(`property timestamp: ${message.timestamp}`);
    delete copy.timestamp;
  }
  let bytes = 0;
  for (const [name, value] of Object.entries(message.headers)) {
    const size = sizeOf({ [name]: value });
    if (size !== undefined && bytes + size <= HEADERS_MAX_BYTES) {
      bytes += size;
      copy.headers[name] = value;
    } else left.push(`header ${quote(name)}: ${quote(value)}`);
  }
  copy.headers[UNWRITABLE_HEADER] = left.join('\n').slice(0, DESCRIPTION_MAX_LENGTH);
  return copy;
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > QUOTE_MAX_LENGTH
    ? `${text.slice(0, QUOTE_MAX_LENGTH)}... (${text.length} characters)`
    : text;
}

/** How many bytes a header's value takes; `undefined` where amqplib (2.3.1) cannot write it. */
function sizeOf(value: unknown): number | undefined {
  if (value === null || typeof value === 'boolean') return 2;
  if (typeof value === 'string') return 5 + Buffer.byteLength(value);
  // Below it writes an integer of 64 bits, also of what is none.
  if (typeof value === 'number') return value >= -(2 ** 63) ? 9 : undefined;
  if (typeof value !== 'object') return undefined;
  if (Buffer.isBuffer(value)) return 5 + value.length;
  if (Object.hasOwn(value, '!')) return isTyped(value as Typed) ? 9 : undefined;
  let bytes = 5;
  for (const [name, part] of Object.entries(value)) {
    const nameBytes = Array.isArray(value) ? 0 : 1 + Buffer.byteLength(name);
    const size = sizeOf(part);
    if (size === undefined || nameBytes > 1 + SHORT_STRING_MAX_BYTES) return undefined;
    bytes += nameBytes + size;
  }
  return bytes;
}

/** A value with its type, as amqplib delivers two types. */
interface Typed {
  '!': unknown;
  value?: unknown;
}

function isTyped({ '!': type, value }: Typed): boolean {
  if (type === 'timestamp') return isTimestamp(value);
  if (type !== 'decimal' || typeof value !== 'object' || value === null) return false;
  const { places, digits } = value as Record<string, unknown>;
  return isInteger(places, 2 ** 8) && isInteger(digits, 2 ** 32);
}

/** In AMQP's seconds, or in ms. */
function isTimestamp(value: unknown): boolean {
  return isInteger(value, 2 ** 64);
}

function isInteger(value: unknown, below: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < below;
}
