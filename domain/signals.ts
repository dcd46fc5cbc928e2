import { z } from 'zod';
import type { ReleasedSignal } from './hold';
import type { Finding } from './reconciliation';
import type { AcknowledgedSignal, RequestDeadLettered } from './workflow-contract';

/*
 * What a signal must have for a workflow to use it. Anybody with access to Temporal can send one, and a
 * workflow that fails over it would fail again and again. Fields beyond these stay as they came.
 */

const acknowledgedSchema = z.looseObject({
  class: z.string(),
  answer: z.looseObject({ requestId: z.string(), outcome: z.string() }),
  order: z.looseObject({ orderId: z.string(), status: z.string() }).optional(),
});

const deadLetteredSchema = z.looseObject({ requestId: z.string() });

const foundSchema = z.looseObject({
  orderId: z.string(),
  trigger: z.enum(['request', 'late', 'conflicting', 'sweep', 'person']),
  provenance: z.string(),
  copy: z.looseObject({ contentHash: z.string(), isOurs: z.boolean() }).optional(),
});

const releasedSchema = z.looseObject({ holdId: z.int(), dispatchBy: z.iso.datetime() });

/** Reads the argument of `acknowledged`; `undefined` where it is malformed. */
export function readAcknowledged(argument: unknown): AcknowledgedSignal | undefined {
  return acknowledgedSchema.safeParse(argument).success
    ? (argument as AcknowledgedSignal)
    : undefined;
}

/** Reads the argument of `requestDeadLettered`; `undefined` where it is malformed. */
export function readRequestDeadLettered(argument: unknown): RequestDeadLettered | undefined {
  return deadLetteredSchema.safeParse(argument).success
    ? (argument as RequestDeadLettered)
    : undefined;
}

/** Reads the argument of `found`, about this order; `undefined` where it is malformed. */
export function readFound(argument: unknown, orderId: string): Finding | undefined {
  const parsed = foundSchema.safeParse(argument);
  return parsed.success && parsed.data.orderId === orderId ? (argument as Finding) : undefined;
}

/** Reads the argument of `released`; `undefined` where it is malformed. */
export function readReleased(argument: unknown): ReleasedSignal | undefined {
  return releasedSchema.safeParse(argument).success ? (argument as ReleasedSignal) : undefined;
}
