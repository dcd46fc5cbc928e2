import { z } from 'zod';
import { requestIdOf, requestNumberOf, withdrawalIdOf } from '../request-id';

/** AMQP `type` of the dispatch system's business answer. */
export const ACKNOWLEDGEMENT_TYPE = 'dispatch.acknowledgement.v1';

/** What the dispatch system answers. Never an order's status. */
const OUTCOMES = ['accepted', 'rejected', 'withdrawn', 'withdrawalRefused'] as const;

/** What the dispatch system answers. */
export type Outcome = (typeof OUTCOMES)[number];

/** Why the dispatch system rejects a request. */
const REJECTION_CODES = [
  'noCourierAvailable',
  'outOfZone',
  'restaurantClosed',
  'invalidOrder',
  'expired',
  'withdrawn',
  'other',
] as const;

/** Why the dispatch system rejects a request. */
export type RejectionCode = (typeof REJECTION_CODES)[number];

/** Body of an acknowledgement. */
export const acknowledgementSchema = z
  .object({
    requestId: z.string().min(1).max(128),
    orderId: z.string().min(1).max(64),
    outcome: z.enum(OUTCOMES),
    /** The courier; comes with `accepted` and `withdrawalRefused`. */
    courierId: z.string().min(1).max(128).optional(),
    /** Comes with `rejected`; a code of a later version reads as `other`. */
    rejectionCode: z.enum(REJECTION_CODES).catch('other').optional(),
    /** With `rejected`: a new request is welcome after so many ms. */
    retryAfterMs: z.int().min(0).max(2_147_483_647).optional(),
    /** For people. */
    detail: z.string().max(2_000).optional(),
    decidedAt: z.iso.datetime({ offset: true }),
  })
  .superRefine(({ requestId, orderId, outcome, courierId, rejectionCode }, context) => {
    const answersWithdrawal = outcome === 'withdrawn' || outcome === 'withdrawalRefused';
    const isOfOrder = answersWithdrawal
      ? requestId === withdrawalIdOf(orderId)
      : requestId === requestIdOf(orderId, requestNumberOf(requestId) ?? 0);
    if (!isOfOrder) {
      const message = `is not what ${outcome} answers about this order`;
      context.addIssue({ code: 'custom', path: ['requestId'], message });
    }
    const needs = (field: string) =>
      context.addIssue({ code: 'custom', path: [field], message: `is needed with ${outcome}` });
    if ((outcome === 'accepted' || outcome === 'withdrawalRefused') && !courierId)
      needs('courierId');
    if (outcome === 'rejected' && !rejectionCode) needs('rejectionCode');
  });

/** The dispatch system's business answer. */
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;
