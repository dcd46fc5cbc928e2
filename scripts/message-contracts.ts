import { z } from 'zod';
import { exampleOrder } from '../cli/example-order';
import { contentHash } from '../domain/content-hash';
import {
  ACKNOWLEDGEMENT_TYPE,
  acknowledgementSchema,
  type Acknowledgement,
} from '../domain/messages/acknowledgement';
import {
  DISPATCH_REQUEST_TYPE,
  dispatchRequestSchema,
  type DispatchRequest,
} from '../domain/messages/dispatch-request';
import {
  HEALTH_CHECKED_TYPE,
  healthCheckedSchema,
  type HealthChecked,
} from '../domain/messages/health-checked';
import { WITHDRAWAL_TYPE, withdrawalSchema, type Withdrawal } from '../domain/messages/withdrawal';
import {
  OUTCOME_EVENT_BODIES,
  OUTCOME_EVENT_TYPES,
  type OutcomeEventType,
} from '../domain/outcome-events';
import { DEFAULT_POLICY } from '../domain/policy';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';

/** What a message is: a question of ours, its answer by the dispatch system, or what others are told. */
export type MessageKind = 'question' | 'answer' | 'event';

/** A message, as those see it who have no code of ours. */
export interface MessageContract {
  /** The AMQP `type`. */
  type: string;
  kind: MessageKind;
  summary: string;
  /** What a JSON schema cannot say of the body. */
  rules: string;
  body: z.ZodType;
  example: object;
}

const PLACED_AT = '2026-11-23T12:00:00.000Z';
const ANSWERED_AT = '2026-11-23T12:00:00.400Z';
const ESCALATED_AT = '2026-11-23T12:03:20.000Z';
const DUE_AT = '2026-11-23T12:06:20.000Z';
const DECIDED_AT = '2026-11-23T12:07:05.000Z';

const order = { ...exampleOrder(new Date(PLACED_AT)), orderId: 'o-1001' };
const { orderId } = order;
const courierId = 'courier-7';

const UNKNOWN_FIELDS = 'Ignore fields that you do not know; a later version may add some.';

const REQUEST: DispatchRequest = {
  requestId: requestIdOf(orderId, 1),
  orderId,
  dispatchBy: new Date(Date.parse(PLACED_AT) + DEFAULT_POLICY.dispatchWithinMs).toISOString(),
  contentHash: contentHash(order),
  order,
  policy: { ...DEFAULT_POLICY },
};

const WITHDRAWAL: Withdrawal = {
  requestId: withdrawalIdOf(orderId),
  orderId,
  note: 'the customer called',
};

const ACKNOWLEDGEMENT: Acknowledgement = {
  requestId: requestIdOf(orderId, 1),
  orderId,
  outcome: 'accepted',
  courierId,
  decidedAt: ANSWERED_AT,
};

const HEALTH_CHECKED: HealthChecked = { at: DUE_AT, critical: 0, warning: 1 };

const TASK = {
  taskId: dispatchOrderWorkflowId(orderId),
  openedAt: ESCALATED_AT,
  orderId,
  escalationReason: 'noAcknowledgement',
};

const EVENTS: {
  [Type in OutcomeEventType]: {
    summary: string;
    example: z.infer<(typeof OUTCOME_EVENT_BODIES)[Type]>;
  };
} = {
  'order.dispatched.v1': {
    summary: 'A courier brings the order. Again after a cancellation that came too late.',
    example: {
      at: ANSWERED_AT,
      orderId,
      status: 'dispatched',
      courierId,
      dispatchedBy: 'acknowledgement',
    },
  },
  'order.cancelled.v1': {
    summary: 'The order is off for good; no courier brings it.',
    example: {
      at: ANSWERED_AT,
      orderId,
      status: 'cancelled',
      rejectionCode: 'restaurantClosed',
    },
  },
  'order.escalated.v1': {
    summary: 'The order, or its withdrawal, waits for a person.',
    example: {
      at: ESCALATED_AT,
      orderId,
      status: 'escalated',
      taskId: TASK.taskId,
      escalationReason: TASK.escalationReason,
    },
  },
  'human-task.due.v1': {
    summary: 'A human task waits for longer than it should.',
    example: { at: DUE_AT, ...TASK, kind: 'order', dueAt: DUE_AT, overdue: false },
  },
  'human-task.closed.v1': {
    summary: 'A human task waits no more.',
    example: { at: DECIDED_AT, ...TASK, closedBy: 'person', decision: 'retry' },
  },
};

/** Every message that goes between processes. */
export const MESSAGE_CONTRACTS: readonly MessageContract[] = [
  {
    type: DISPATCH_REQUEST_TYPE,
    kind: 'question',
    summary: 'Asks for a dispatch.',
    rules: `\`requestId\` is \`<orderId>.<n>\`, the same in every retry. ${UNKNOWN_FIELDS}`,
    body: dispatchRequestSchema,
    example: REQUEST,
  },
  {
    type: WITHDRAWAL_TYPE,
    kind: 'question',
    summary: 'Takes an order back for good.',
    rules: `\`requestId\` is \`<orderId>.withdrawal\`. ${UNKNOWN_FIELDS}`,
    body: withdrawalSchema,
    example: WITHDRAWAL,
  },
  {
    type: ACKNOWLEDGEMENT_TYPE,
    kind: 'answer',
    summary: 'The dispatch system’s answer to a request or a withdrawal.',
    rules:
      '`requestId` and `orderId` are those of the message that it answers: `accepted` and `rejected` ' +
      'answer a request, `withdrawn` and `withdrawalRefused` a withdrawal. `courierId` is needed with ' +
      '`accepted` and `withdrawalRefused`, `rejectionCode` with `rejected`. An unknown code reads as ' +
      '`other`, and unknown fields are ignored.',
    body: acknowledgementSchema,
    example: ACKNOWLEDGEMENT,
  },
  ...OUTCOME_EVENT_TYPES.map((type): MessageContract => ({
    type,
    kind: 'event',
    rules: `Ignore fields and words that you do not know; a later version may add some.`,
    body: OUTCOME_EVENT_BODIES[type],
    ...EVENTS[type],
  })),
  {
    type: HEALTH_CHECKED_TYPE,
    kind: 'event',
    summary: 'The health of the service was checked.',
    rules: `Comes each minute, and at most once: where it stays away, nobody checks. ${UNKNOWN_FIELDS}`,
    body: healthCheckedSchema,
    example: HEALTH_CHECKED,
  },
];

/** The file of a message's schema, below `contracts/`. */
export function schemaFileOf(type: string): string {
  return `${type}.schema.json`;
}

/** The JSON schema of a message's body, as its reader takes it. */
export function bodySchemaOf({ type, summary, rules, body }: MessageContract): object {
  const { $schema, ...schema } = z.toJSONSchema(body, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // The format says it, and the pattern is zod's own business.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      // It stands for a word that is not known, and not for a field that is missing.
      if (zodSchema._zod.def.type === 'catch') delete jsonSchema.default;
    },
  });
  return { $schema, title: type, description: `${summary} ${rules}`, ...schema };
}
