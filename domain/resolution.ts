import { z } from 'zod';
import { actFields, anyText, typedText } from './act';
import { DECISIONS } from './decisions';
import { ResolutionRefused } from './errors';
import { describeIssues } from './describe-issues';

const resolutionOf = (text: (maximum: number) => z.ZodString) =>
  z
    .strictObject({
      decision: z.enum(DECISIONS),
      /** The courier that the person found; `markDispatched` needs it, nothing else takes it. */
      courierId: text(128).optional(),
      /** Of the human task that is meant, ISO 8601: refused where another one is open by now. */
      openedAt: z.iso.datetime().optional(),
      ...actFields(text),
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
export type Resolution = z.infer<ReturnType<typeof resolutionOf>>;

/**
 * Parses a resolution as a person sent it.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseResolution(input: unknown): Resolution {
  return parse(resolutionSchema, input, 'resolution');
}

/** The same by the rules of before, for what a history has accepted. */
export function parseResolutionAsBefore(input: unknown): Resolution {
  return parse(formerResolutionSchema, input, 'resolution');
}

/** Who asks to cancel an order, and why: the argument of the update `cancel`. */
export type CancelRequest = z.infer<typeof cancelRequestSchema>;

/**
 * Parses a cancel request as a person sent it.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseCancelRequest(input: unknown): CancelRequest {
  return parse(cancelRequestSchema, input, 'cancel');
}

/** The same by the rules of before, for what a history has accepted. */
export function parseCancelRequestAsBefore(input: unknown): CancelRequest {
  return parse(formerCancelRequestSchema, input, 'cancel');
}

const resolutionSchema = resolutionOf(typedText);
const formerResolutionSchema = resolutionOf(anyText);
const cancelRequestSchema = z.strictObject(actFields(typedText));
const formerCancelRequestSchema = z.strictObject(actFields(anyText));

function parse<Output>(schema: z.ZodType<Output>, input: unknown, what: string): Output {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ResolutionRefused(describeIssues(parsed.error, what));
  return parsed.data;
}
