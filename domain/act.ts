import { z } from 'zod';
import { ResolutionRefused } from './errors';
import { describeIssues } from './describe-issues';

/** `PLACEHOLDERS`, and what examples had before: what is pasted unchanged must not be recorded as somebody's act. */
const PLACEHOLDER_WORDS = /^<?(?:you|your name|why|courier)>?$/i;

/** Those that move a terminal's cursor or turn its text around: names and notes are shown on one. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Text that a person typed, as it was taken before it was looked at closer: histories have such. */
export function anyText(maximum: number): z.ZodString {
  return z.string().trim().min(1).max(maximum);
}

/** Text that a person typed, which is recorded and shown to others. */
export function typedText(maximum: number): z.ZodString {
  return anyText(maximum)
    .refine((text) => !UNPRINTABLE.test(text), 'has a control character: leave it out')
    .refine((text) => !PLACEHOLDER_WORDS.test(text), 'is still the placeholder: fill it in');
}

/**
 * The ways that an act of a person comes: the command line, the HTTP API, the web console, code that uses
 * the SDK, or Temporal itself (its Web UI, its CLI).
 */
export const VIAS = ['cli', 'api', 'web', 'sdk', 'temporal'] as const;

/** One of {@link VIAS}. */
export type Via = (typeof VIAS)[number];

/** Who acts, and why, of such text. */
export const actFields = (text: (maximum: number) => z.ZodString) => ({
  /** Who acts. */
  actor: text(200),
  /** Why, in the person's words. */
  note: text(2_000),
  /** Which way the act comes. @default 'sdk' where the SDK sends it, else 'temporal' */
  via: z.enum(VIAS).optional(),
});

const actSchema = z.object(actFields(typedText));

/** What a person does to something of ours: who, and why. */
export type Act = z.infer<typeof actSchema>;

/**
 * Parses who acts, and why; what else the input has is left out.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseAct(input: unknown): Act {
  return parsed(actSchema, input);
}

/**
 * Parses who acts, where nobody has to say why.
 *
 * @throws {@link ResolutionRefused} that names the bad field.
 */
export function parseActor(input: unknown): string {
  return parsed(actSchema.pick({ actor: true }), input).actor;
}

function parsed<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const result = schema.safeParse(input);
  if (!result.success) throw new ResolutionRefused(describeIssues(result.error, 'act'));
  return result.data;
}
