import { z } from 'zod';
import { actorSchema, noteSchema, typedText } from './act';
import { DECISIONS } from './decisions';
import { ResolutionRefused } from './errors';
import { describeIssues } from './describe-issues';

const resolutionSchema = z
  .strictObject({
    decision: z.enum(DECISIONS),
    /** The courier that the person found; `markDispatched` needs it, nothing else takes it. */
    courierId: typedText(128).optional(),
    /** Who decides. */
    actor: actorSchema,
    /** Why, in the person's words. */
    note: noteSchema,
  })
  .superRefine(({ decision, courierId }, context) => {
    if ((decision === 'markDispatched') === (courierId !== undefined)) return;
    const message =
      decision === 'markDispatched'
        ? 'is needed: who delivers the order?'
        : `goes with markDispatched, not with ${decision}`;
    context.addIssue({ code: 'custom', path: ['courierId'], message });
  });

/** What a person decided about a human task: the one flat argument of the signal and the update `resolve`. */
export type Resolution = z.infer<typeof resolutionSchema>;

/**
 * Parses a resolution as a person sent it.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseResolution(input: unknown): Resolution {
  const parsed = resolutionSchema.safeParse(input);
  if (!parsed.success) throw new ResolutionRefused(describeIssues(parsed.error, 'resolution'));
  return parsed.data;
}

const cancelRequestSchema = z.strictObject({ actor: actorSchema, note: noteSchema });

/** Who asks to cancel an order, and why: the argument of the update `cancel`. */
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

/**
 * Parses a cancel request as a person sent it.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseCancelRequest(input: unknown): CancelRequest {
  const parsed = cancelRequestSchema.safeParse(input);
  if (!parsed.success) throw new ResolutionRefused(describeIssues(parsed.error, 'cancel'));
  return parsed.data;
}
