import { z } from 'zod';
import type { Decision } from './decisions';
import { describeIssues } from './describe-issues';
import { MalformedMessage } from './errors';
import type { HumanTaskKind } from './human-task';
import type { RejectionCode } from './messages/acknowledgement';
import { ORDER_STATUSES, type DispatchedBy, type EscalationReason } from './status';

/** IDs, statuses, codes and times: no personal data. */
const id = z.string().min(1);
const time = z.iso.datetime({ offset: true });

/** One of some words. A later version may have more of them: a reader of events must not fail for that. */
const wordOf = <Word extends string>() => z.string().min(1) as z.ZodType<Word | (string & {})>;

/** When it came to be. */
const at = time;

/** What a task is, whatever is told of it. */
const task = {
  /** The workflow ID. One workflow may open several tasks: `openedAt` tells them apart. */
  taskId: id,
  openedAt: time,
  /** Missing where the task is about no order, but about the service. */
  orderId: id.optional(),
  escalationReason: wordOf<EscalationReason>(),
};

/** What others are told, by its type: the bodies. */
export const OUTCOME_EVENT_BODIES = {
  /** A courier brings the order. Again after a cancellation that came too late. */
  'order.dispatched.v1': z.object({
    at,
    orderId: id,
    status: z.literal('dispatched'),
    courierId: id.optional(),
    dispatchedBy: wordOf<DispatchedBy>().optional(),
  }),
  /** The order is off for good; no courier brings it. */
  'order.cancelled.v1': z.object({
    at,
    orderId: id,
    status: z.literal('cancelled'),
    /** Where the dispatch system rejected it. */
    rejectionCode: wordOf<RejectionCode>().optional(),
  }),
  /** The order, or its withdrawal, waits for a person. */
  'order.escalated.v1': z.object({
    at,
    orderId: id,
    /** `escalated`; another where it is a withdrawal that waits. */
    status: z.enum(ORDER_STATUSES),
    taskId: id,
    escalationReason: wordOf<EscalationReason>(),
    rejectionCode: wordOf<RejectionCode>().optional(),
  }),
  /** A human task waits for longer than it should. */
  'human-task.due.v1': z.object({
    at,
    ...task,
    kind: wordOf<HumanTaskKind>(),
    dueAt: time,
    /** Whether it waits for much longer. */
    overdue: z.boolean(),
  }),
  /** A human task waits no more. */
  'human-task.closed.v1': z.object({
    at,
    ...task,
    closedBy: wordOf<'person' | 'answer' | 'cancellation'>(),
    /** Where a person decided it. */
    decision: wordOf<Decision>().optional(),
  }),
} as const;

/** What kind of event it is; also its AMQP `type` and routing key. */
export type OutcomeEventType = keyof typeof OUTCOME_EVENT_BODIES;

/** Every kind of event. */
export const OUTCOME_EVENT_TYPES = Object.keys(OUTCOME_EVENT_BODIES) as OutcomeEventType[];

/** An event of some type, or of any: tell them apart by `type`. */
export type OutcomeEvent<Type extends OutcomeEventType = OutcomeEventType> = {
  [Each in Type]: {
    type: Each;
    /** The same however often the event comes. */
    eventId: string;
  } & z.infer<(typeof OUTCOME_EVENT_BODIES)[Each]>;
}[Type];

/** An event as it waits to be published. */
export interface StoredOutcomeEvent {
  eventId: string;
  /** The order ID, or the task ID of a task that is about no order: its events keep their order. */
  subject: string;
  type: string;
  body: unknown;
  at: Date;
}

/** A routing key that AMQP takes. */
const TYPE = /^[a-z0-9.-]{1,200}$/;

/**
 * The body that goes out. What is not known here is of a later version, and goes out as it is.
 *
 * @throws {@link MalformedMessage} where no reader could make anything of it.
 */
export function outcomeEventBody({ type, body, at }: StoredOutcomeEvent): object {
  if (!TYPE.test(type)) throw new MalformedMessage('its type is not a routing key');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new MalformedMessage('its body is no object');
  }
  const timed = { at: at.toISOString(), ...body };
  const checked = isOutcomeEventType(type) && OUTCOME_EVENT_BODIES[type].safeParse(timed);
  if (checked && !checked.success) {
    throw new MalformedMessage(describeIssues(checked.error, 'body'));
  }
  return timed;
}

/** Whether this version knows the type. */
function isOutcomeEventType(type: string): type is OutcomeEventType {
  return Object.hasOwn(OUTCOME_EVENT_BODIES, type);
}
