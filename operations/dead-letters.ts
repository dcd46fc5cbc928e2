import type { OrdersDatabase } from '../database/orders/connection';
import {
  discardOpenDeadLetters,
  findDeadLetters,
  groupDeadLetters,
  readDeadLetter,
  type DeadLetter,
  type DeadLetterEntry,
  type DeadLetterFilter,
  type DeadLetterGroup,
} from '../database/orders/dead-letters';
import { parseAct, type Act } from '../domain/act';
import { defined } from '../domain/defined';
import { ResolutionRefused } from '../domain/errors';

export type {
  Comeback,
  DeadLetterEntry,
  DeadLetterFilter,
  DeadLetterGroup,
} from '../database/orders/dead-letters';

/** Dead letters, grouped first. */
export interface DeadLetterList {
  /** How many fit the filter. */
  matched: number;
  /** All that fit, by reason and source queue, the most frequent first. */
  groups: DeadLetterGroup[];
  /** The oldest of them, up to the limit. */
  rows: DeadLetterEntry[];
  /** With what the next page begins; null where this is the last one. */
  next: string | null;
}

/**
 * Lists dead letters: counted by reason and source queue, then one by one.
 *
 * @param given.after what the page before said is next: an ID.
 * @param given.limit how many rows. @default 20
 */
export async function listDeadLetters(given: {
  database: OrdersDatabase;
  filter?: DeadLetterFilter;
  after?: string;
  limit?: number;
}): Promise<DeadLetterList> {
  const { database, filter = {}, after, limit = 20 } = given;
  const [groups, found] = await Promise.all([
    groupDeadLetters(database, filter),
    findDeadLetters(database, { ...filter, ...defined({ afterId: after }) }, limit + 1),
  ]);
  const matched = groups.reduce((sum, { count }) => sum + count, 0);
  const rows = found.slice(0, limit);
  const next = found.length > limit ? (rows.at(-1)?.id ?? null) : null;
  return { matched, groups, rows, next };
}

/** A dead letter; its message's content, which may be personal, only where it was asked for. */
export type ShownDeadLetter = Omit<DeadLetter, 'content'> & {
  /** Of the message as it came; `properties.original` is there where `content` is its head. */
  contentBytes: number;
  content?: string;
  /** How the content is written: `base64` where it is not UTF-8. */
  contentEncoding?: 'utf8' | 'base64';
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
    contentBytes: deadLetter.properties.original?.bytes ?? content.length,
    ...(withContent && readable(content)),
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
 * @param given.via which way the act comes. @default 'cli'
 * @param given.dryRun only counts. @default false
 * @throws {@link ResolutionRefused} where the actor or the note is missing.
 */
export async function discardDeadLetters(given: {
  database: OrdersDatabase;
  filter: DeadLetterFilter;
  actor: string;
  note: string;
  via?: Act['via'];
  dryRun?: boolean;
}): Promise<DiscardReport> {
  const { database, via = 'cli', dryRun = false } = given;
  const act = { ...parseAct(given), via };
  const filter: DeadLetterFilter = { ...given.filter, state: 'open' };
  const { matched } = await listDeadLetters({ database, filter, limit: 0 });
  const discarded = dryRun ? 0 : await discardOpenDeadLetters(database, filter, act);
  return { dryRun, matched, discarded };
}

function readable(bytes: Uint8Array): Pick<ShownDeadLetter, 'content' | 'contentEncoding'> {
  const content = Buffer.from(bytes).toString('utf8');
  return Buffer.from(content).equals(bytes)
    ? { content, contentEncoding: 'utf8' }
    : { content: Buffer.from(bytes).toString('base64'), contentEncoding: 'base64' };
}
