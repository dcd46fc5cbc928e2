import type { ConsumeMessage } from 'amqplib';
import type { z } from 'zod';
import { MalformedMessage } from '../domain/errors';
import { describeIssues } from '../domain/describe-issues';
import { defined } from '../domain/defined';

/** A message as a consumer's handler sees it. */
export interface IncomingMessage {
  /** The queue that it came from. */
  queue: string;
  type: string;
  messageId: string;
  correlationId?: string;
  replyTo?: string;
  traceparent?: string;
  /** Who published it. */
  appId: string;
  /** When it was published, in ms since the epoch, to the second; 0 where it does not say. */
  timestampMs: number;
  headers: Record<string, unknown>;
  content: Buffer;
}

/** Reads a delivery's properties; what is missing reads as an empty string or not at all. */
export function toIncomingMessage(queue: string, delivery: ConsumeMessage): IncomingMessage {
  const { properties, content } = delivery;
  const headers: Record<string, unknown> = properties.headers ?? {};
  const timestamp: unknown = properties.timestamp;
  const optional = (value: unknown) => (typeof value === 'string' && value ? value : undefined);
  const correlationId = optional(properties.correlationId);
  const replyTo = optional(properties.replyTo);
  const traceparent = optional(headers['traceparent']);
  return {
    queue,
    type: optional(properties.type) ?? '',
    messageId: optional(properties.messageId) ?? '',
    ...defined({ correlationId, replyTo, traceparent }),
    appId: optional(properties.appId) ?? '',
    timestampMs: typeof timestamp === 'number' ? timestamp * 1000 : 0,
    headers,
    content,
  };
}

/**
 * Parses a message's body. Unknown fields are ignored: a publisher may be newer than its consumer.
 *
 * @throws {@link MalformedMessage} that names each bad field, never its value.
 */
export function parseBody<Schema extends z.ZodType>(
  message: IncomingMessage,
  schema: Schema,
): z.infer<Schema> {
  let body: unknown;
  try {
    body = JSON.parse(message.content.toString('utf8'));
  } catch {
    throw new MalformedMessage('the body is not JSON');
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new MalformedMessage(describeIssues(parsed.error, 'body'));
  return parsed.data;
}
