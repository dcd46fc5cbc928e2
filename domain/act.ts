import { z } from 'zod';
import { ResolutionRefused } from './errors';
import { describeIssues } from './describe-issues';

/** Who acts. */
export const actorSchema = z.string().trim().min(1).max(200);

/** Why, in the person's words. */
export const noteSchema = z.string().trim().min(1).max(2_000);

const actSchema = z.object({ actor: actorSchema, note: noteSchema });

/** What a person does to something of ours: who, and why. */
export type Act = z.infer<typeof actSchema>;

/**
 * Parses who acts, and why; what else the input has is left out.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseAct(input: unknown): Act {
  const parsed = actSchema.safeParse(input);
  if (!parsed.success) throw new ResolutionRefused(describeIssues(parsed.error, 'act'));
  return parsed.data;
}
