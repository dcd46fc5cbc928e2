import { randomUUID } from 'node:crypto';
import { APP_IDS, EXCHANGES, MESSAGE_MAX_BYTES } from '../domain/amqp-names';
import { MalformedMessage } from '../domain/errors';
import { ACKNOWLEDGEMENT_TYPE, type Acknowledgement } from '../domain/messages/acknowledgement';
import { DISPATCH_REQUEST_TYPE, type DispatchRequest } from '../domain/messages/dispatch-request';
import { HEALTH_CHECKED_TYPE, type HealthChecked } from '../domain/messages/health-checked';
import { WITHDRAWAL_TYPE, type Withdrawal } from '../domain/messages/withdrawal';
import { outcomeEventBody, type StoredOutcomeEvent } from '../domain/outcome-events';
import type { IncomingMessage } from './incoming-message';
import type { OutgoingMessage } from './publisher';
import { traceparentOf } from './traceparent';

/** A request for a dispatch, ready to publish. `replyTo` is the reply key of the process that waits. */
export function dispatchRequestMessage(
  body: DispatchRequest,
  replyTo: string | undefined,
): OutgoingMessage {
  return requestMessage(DISPATCH_REQUEST_TYPE, body, replyTo);
}

/** A withdrawal, ready to publish. */
export function withdrawalMessage(body: Withdrawal, replyTo: string | undefined): OutgoingMessage {
  return requestMessage(WITHDRAWAL_TYPE, body, replyTo);
}

/** The answer to a request or withdrawal, ready to publish: it goes home first. */
export function acknowledgementMessage(
  body: Acknowledgement,
  answers: Pick<IncomingMessage, 'replyTo' | 'traceparent'>,
): OutgoingMessage {
  return {
    exchange: EXCHANGES.acknowledgements,
    routingKey: answers.replyTo ?? '',
    type: ACKNOWLEDGEMENT_TYPE,
    messageId: randomUUID(),
    correlationId: body.requestId,
    appId: APP_IDS.dispatchSystem,
    headers: { traceparent: answers.traceparent ?? traceparentOf(body.orderId) },
    content: toContent(body.requestId, body),
  };
}

/**
 * What others are told, ready to publish.
 *
 * @throws {@link MalformedMessage} where it can never be published.
 */
export function outcomeEventMessage(event: StoredOutcomeEvent): OutgoingMessage {
  const { eventId, subject, type, at } = event;
  return {
    exchange: EXCHANGES.events,
    routingKey: type,
    type,
    messageId: eventId,
    appId: APP_IDS.orderDispatch,
    headers: { traceparent: traceparentOf(subject) },
    timestamp: at.getTime(),
    content: toContent(eventId, outcomeEventBody(event)),
  };
}

/** That the health of the service was checked, ready to publish. */
export function healthCheckedMessage(body: HealthChecked): OutgoingMessage {
  const messageId = randomUUID();
  return {
    exchange: EXCHANGES.events,
    routingKey: HEALTH_CHECKED_TYPE,
    type: HEALTH_CHECKED_TYPE,
    messageId,
    appId: APP_IDS.orderDispatch,
    headers: { traceparent: traceparentOf(messageId) },
    content: toContent(messageId, body),
  };
}

function requestMessage(
  type: string,
  body: DispatchRequest | Withdrawal,
  replyTo: string | undefined,
): OutgoingMessage {
  return {
    exchange: EXCHANGES.requests,
    routingKey: type,
    type,
    messageId: body.requestId,
    ...(replyTo && { replyTo }),
    appId: APP_IDS.orderDispatch,
    headers: { traceparent: traceparentOf(body.orderId) },
    content: toContent(body.requestId, body),
  };
}

/** @throws {@link MalformedMessage} where the body is larger than the contract allows. */
function toContent(id: string, body: object): Buffer {
  const content = Buffer.from(JSON.stringify(body));
  if (content.length <= MESSAGE_MAX_BYTES) return content;
  throw new MalformedMessage(
    `message ${id} has ${content.length} bytes, at most ${MESSAGE_MAX_BYTES} are allowed`,
  );
}
