import { z } from 'zod';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  discardOpenDeadLetters,
  findDeadLetters,
  groupDeadLetters,
  readDeadLetter,
  type DeadLetter,
  type DeadLetterDecision,
  type DeadLetterEntry,
  type DeadLetterFilter,
  type DeadLetterGroup,
} from '../database/orders/dead-letters';
import { ResolutionRefused } from '../domain/errors';
import { describeIssues } from '../domain/describe-issues';

export { DEAD_LETTER_STATES } from '../database/orders/dead-letters';
export type {
  Comeback,
  DeadLetterEntry,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterState,
} from '../database/orders/dead-letters';

/** Dead letters, grouped first. */
export interface DeadLetterList {
  /** How many fit the filter. */
  matched: number;
  /** All that fit, by reason and source queue, the most frequent first. */
  groups: DeadLetterGroup[];
  /** The oldest of them, up to the limit. */
  rows: DeadLetterEntry[];
}

/**
 * Lists dead letters: counted by reason and source queue, then one by one.
 *
 * @param given.limit how many rows. @default 20
 */
export async function listDeadLetters(given: {
  database: OrdersDatabase;
  filter?: DeadLetterFilter;
  limit?: number;
}): Promise<DeadLetterList> {
  const { database, filter = {}, limit = 20 } = given;
  const [groups, rows] = await Promise.all([
    groupDeadLetters(database, filter),
    findDeadLetters(database, filter, limit),
  ]);
  return { matched: groups.reduce((sum, { count }) => sum + count, 0), groups, rows };
}

/** A dead letter; its message's content, which may be personal, only where it was asked for. */
export type ShownDeadLetter = Omit<DeadLetter, 'content'> & {
  contentBytes: number;
  /** As text, or as base64 where it is not UTF-8. */
  content?: string;
};

/**
 * Shows a dead letter.
 *
 * @param given.content whether to show the content of its message, too. @default false
 * @throws {@link ResolutionRefused} where there is none with this ID.
 */
export async function showDeadLetter(given: {
  database: OrdersDatabase;
  id: string;
  content?: boolean;
}): Promise<ShownDeadLetter> {
  const { database, id, content: withContent = false } = given;
  const deadLetter = await readDeadLetter(database, id);
  if (!deadLetter) throw new ResolutionRefused(`there is no dead letter ${id}`);
  const { content, ...rest } = deadLetter;
  return {
    ...rest,
    contentBytes: content.length,
    ...(withContent && { content: textOf(content) }),
  };
}

/** What was discarded, or would be. */
export interface DiscardReport {
  dryRun: boolean;
  /** How many open dead letters fit the filter. */
  matched: number;
  discarded: number;
}

/**
 * Discards the open dead letters that fit the filter: nobody will handle their messages.
 *
 * @param given.dryRun only counts. @default false
 * @throws {@link ResolutionRefused} where the actor or the note is missing.
 */
export async function discardDeadLetters(given: {
  database: OrdersDatabase;
  filter: DeadLetterFilter;
  actor: string;
  note: string;
  dryRun?: boolean;
}): Promise<DiscardReport> {
  const { database, dryRun = false } = given;
  const decision = parseDecision(given);
  const filter: DeadLetterFilter = { ...given.filter, state: 'open' };
  const { matched } = await listDeadLetters({ database, filter, limit: 0 });
  const discarded = dryRun ? 0 : await discardOpenDeadLetters(database, filter, decision);
  return { dryRun, matched, discarded };
}

const decisionSchema = z.object({
  actor: z.string().trim().min(1).max(200),
  note: z.string().trim().min(1).max(2_000),
});

/**
 * Parses who decides about dead letters, and why.
 *
 * @throws {@link ResolutionRefused} that names each bad field.
 */
export function parseDecision(input: unknown): DeadLetterDecision {
  const parsed = decisionSchema.safeParse(input);
  if (!parsed.success) throw new ResolutionRefused(describeIssues(parsed.error, 'resolution'));
  return parsed.data;
}

function textOf(content: Uint8Array): string {
  const text = Buffer.from(content).toString('utf8');
  return Buffer.from(text).equals(content) ? text : Buffer.from(content).toString('base64');
}
