import { z } from 'zod';
import { DEAD_LETTER_STATES } from '../../domain/dead-letter-state';
import { at, next } from './primitives';

/** A recorded dead letter without its message. */
const deadLetterEntry = z
  .object({
    id: z.string(),
    sourceQueue: z.string(),
    messageId: z.string(),
    type: z.string(),
    appId: z.string(),
    orderId: z.string().nullable(),
    deadLetterReason: z.string(),
    attempts: z.int(),
    firstFailedAt: at,
    lastFailedAt: at,
    state: z.enum(DEAD_LETTER_STATES),
    decidedBy: z.string().nullable(),
    /** Absent for a viewer, as all that the message itself says. */
    decisionNote: z.string().nullable().optional(),
    decidedAt: at.nullable(),
    createdAt: at,
  })
  .meta({ id: 'DeadLetterEntry' });

/** A recorded dead letter; with its message for operators and admins. */
export const deadLetter = deadLetterEntry
  .extend({
    contentBytes: z.int(),
    content: z.string().optional(),
    contentEncoding: z.enum(['utf8', 'base64']).optional(),
    properties: z.record(z.string(), z.unknown()).optional(),
    headers: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'DeadLetter' });

/** Dead letters, counted by reason and queue. */
const deadLetterGroup = z
  .object({
    deadLetterReason: z.string(),
    sourceQueue: z.string(),
    count: z.int(),
    firstFailedAt: at,
    lastFailedAt: at,
  })
  .meta({ id: 'DeadLetterGroup' });

/** A page of dead letters, the oldest first. */
export const deadLetterList = z
  .object({
    matched: z.int(),
    groups: z.array(deadLetterGroup),
    rows: z.array(deadLetterEntry),
    next,
  })
  .meta({ id: 'DeadLetterList' });

/** The recorded messages about an order. */
export const orderMessages = z
  .object({
    /** Every answer that ever came. */
    acknowledgements: z.array(
      z.object({
        id: z.string(),
        messageId: z.string(),
        requestId: z.string(),
        outcome: z.string(),
        class: z.string(),
        courierId: z.string().nullable(),
        rejectionCode: z.string().nullable(),
        retryAfterMs: z.int().nullable(),
        detail: z.string().nullable().optional(),
        decidedAt: at,
        receivedAt: at,
      }),
    ),
    deadLetters: z.array(deadLetter),
  })
  .meta({ id: 'OrderMessages' });
