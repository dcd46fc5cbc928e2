import type { Act, Via } from '../../domain/act';
import type { DeadLetterState } from '../../domain/dead-letter-state';
import { APP_IDS, QUEUES } from '../../domain/amqp-names';
import { defined } from '../../domain/defined';
import { prismaOf, type OrdersDatabase } from './connection';
import { eraseLateDeadLetters, lockOrder } from './erasure';
import { Prisma, type DeadLetter as DeadLetterModel } from './generated/client';

/** Properties that a replay needs, next to those that have columns of their own. */
type DeadLetterProperties = {
  correlationId?: string;
  replyTo?: string;
  /** When the original was published, in ms since the epoch; absent where it does not say. */
  timestampMs?: number;
  /** Present where the row has only the head of the content: what the whole was. */
  original?: { bytes: number; sha256: string };
};

/** A dead letter as the drain records it. */
export interface NewDeadLetter {
  /** Tells one dead letter from another: the same one again changes nothing. */
  fingerprint: string;
  /** The durable queue that a replay goes to. */
  sourceQueue: string;
  messageId: string;
  type: string;
  appId: string;
  orderId?: string;
  deadLetterReason: string;
  properties: DeadLetterProperties;
  headers: Record<string, unknown>;
  content: Uint8Array<ArrayBuffer>;
  /** How often its consumer failed, as far as anybody counted. */
  attempts: number;
  firstFailedAt: Date;
  lastFailedAt: Date;
}

type Message = 'properties' | 'headers' | 'content';

/** A recorded dead letter without its message, which may be personal. */
export type DeadLetterEntry = Omit<DeadLetterModel, 'id' | 'state' | 'fingerprint' | Message> & {
  id: string;
  state: DeadLetterState;
};

/** A recorded dead letter, whole. */
export type DeadLetter = DeadLetterEntry & Pick<NewDeadLetter, Message>;

/** Which dead letters; all conditions that are given must fit. */
export interface DeadLetterFilter {
  ids?: readonly string[];
  /** What the reason contains, in whichever case. */
  deadLetterReason?: string;
  sourceQueue?: string;
  orderId?: string;
  state?: DeadLetterState;
  /** Failed last at or after this. */
  since?: Date;
  /** Recorded up to this one, so that what comes meanwhile is left out. */
  upToId?: string;
  /** Only those whose content is here as a whole. */
  isWhole?: true;
}

/** Dead letters of one reason and one queue. */
export interface DeadLetterGroup {
  deadLetterReason: string;
  sourceQueue: string;
  count: number;
  firstFailedAt: Date;
  lastFailedAt: Date;
}

/** What a person does to dead letters. */
export type DeadLetterAct = Act & { via: Via };

/** How long a discard of many may take, in ms. */
const DISCARD_WITHIN_MS = 60_000;

/** How long a replay may hold its row, in ms: longer than a publish waits for its confirm. */
const REPLAY_WITHIN_MS = 30_000;

/**
 * Records a dead letter. About an order whose personal data is erased, or is being erased just now, it
 * is recorded without.
 *
 * @returns whether it is new; the same one again changes nothing.
 */
export function recordDeadLetter(
  database: OrdersDatabase,
  { properties, headers, ...columns }: NewDeadLetter,
): Promise<boolean> {
  const { orderId } = columns;
  return prismaOf(database).$transaction(async (transaction) => {
    if (orderId !== undefined) await lockOrder(transaction, orderId);
    const { count } = await transaction.deadLetter.createMany({
      data: [{ ...columns, properties: { ...properties }, headers: headers as Prisma.JsonObject }],
      skipDuplicates: true,
    });
    if (orderId !== undefined) await eraseLateDeadLetters(transaction, orderId);
    return count === 1;
  });
}

/**
 * Discards the open dead letters of requests and withdrawals whose order has ended otherwise: there is
 * nothing left to ask.
 *
 * @returns how many.
 */
export function discardSettledRequests(database: OrdersDatabase): Promise<number> {
  return prismaOf(database).$executeRaw`
    UPDATE dead_letters d SET state = 'discarded', decided_by = ${APP_IDS.orderDispatch},
      decision_note = 'the order ended ' || o.status || ': there is nothing left to ask',
      decided_at = now()
    FROM orders o
    WHERE d.state = 'open' AND d.source_queue = ${QUEUES.dispatchRequests}
      AND d.app_id = ${APP_IDS.orderDispatch} AND o.order_id = d.order_id
      AND o.escalation_reason IS NULL
      AND (o.status = 'cancelled' OR (o.status = 'dispatched' AND (
        o.dispatched_by = 'acknowledgement' OR EXISTS (
          SELECT 1 FROM acknowledgements a
          WHERE a.request_id = o.order_id || '.withdrawal' AND a.class = 'first'))))`;
}

/** Counts dead letters by reason and source queue, the most frequent first. */
export async function groupDeadLetters(
  database: OrdersDatabase,
  filter: DeadLetterFilter,
): Promise<DeadLetterGroup[]> {
  const groups = await prismaOf(database).deadLetter.groupBy({
    by: ['deadLetterReason', 'sourceQueue'],
    where: where(filter),
    _count: { id: true },
    _min: { firstFailedAt: true },
    _max: { lastFailedAt: true },
    orderBy: [{ _count: { id: 'desc' } }, { deadLetterReason: 'asc' }, { sourceQueue: 'asc' }],
  });
  return groups.map(({ deadLetterReason, sourceQueue, _count, _min, _max }) => ({
    deadLetterReason,
    sourceQueue,
    count: _count.id,
    // A group has a row at the least.
    firstFailedAt: _min.firstFailedAt ?? new Date(0),
    lastFailedAt: _max.lastFailedAt ?? new Date(0),
  }));
}

/** Finds dead letters in the order in which they were recorded. */
export async function findDeadLetters(
  database: OrdersDatabase,
  filter: DeadLetterFilter & { afterId?: string },
  limit: number,
): Promise<DeadLetterEntry[]> {
  const { afterId, ...conditions } = filter;
  const rows = await prismaOf(database).deadLetter.findMany({
    where: {
      AND: [where(conditions), afterId === undefined ? {} : { id: { gt: BigInt(afterId) } }],
    },
    orderBy: { id: 'asc' },
    take: limit,
    omit: { fingerprint: true, ...MESSAGE },
  });
  return rows.map(toEntry);
}

/** Reads a dead letter whole; `undefined` where there is none. */
export async function readDeadLetter(
  database: OrdersDatabase,
  id: string,
): Promise<DeadLetter | undefined> {
  const row = await prismaOf(database).deadLetter.findUnique({
    where: { id: BigInt(id) },
    omit: { fingerprint: true },
  });
  return row ? toDeadLetter(row) : undefined;
}

/** The ID of the dead letter that was recorded last; `0` where there is none. */
export async function lastDeadLetterId(database: OrdersDatabase): Promise<string> {
  const { _max } = await prismaOf(database).deadLetter.aggregate({ _max: { id: true } });
  return String(_max.id ?? 0);
}

/**
 * Replays an open dead letter: publishes it, and marks the row only when that is confirmed. The row is
 * locked meanwhile, so two replays never publish the same one; a crash in between leaves it open.
 *
 * @param given.publish resolves when the broker has confirmed.
 * @returns false where it is not open any more.
 */
export function replayDeadLetter(
  database: OrdersDatabase,
  given: {
    id: string;
    act: DeadLetterAct;
    publish: (deadLetter: DeadLetter) => Promise<void>;
  },
): Promise<boolean> {
  const id = BigInt(given.id);
  return prismaOf(database).$transaction(
    async (transaction) => {
      const locked = await transaction.$queryRaw<unknown[]>`
        SELECT 1 FROM dead_letters WHERE id = ${id} AND state = 'open' FOR UPDATE`;
      if (locked.length === 0) return false;
      const row = await transaction.deadLetter.findUniqueOrThrow({
        where: { id },
        omit: { fingerprint: true },
      });
      await given.publish(toDeadLetter(row));
      await transaction.deadLetter.update({
        where: { id },
        data: marked('replayed', given.act),
      });
      await auditDeadLetters(transaction, { act: 'replay', by: given.act, deadLetters: [row] });
      return true;
    },
    { timeout: REPLAY_WITHIN_MS },
  );
}

/** Discards the open ones among these. @returns their number. */
export function discardOpenDeadLetters(
  database: OrdersDatabase,
  filter: DeadLetterFilter,
  act: DeadLetterAct,
): Promise<number> {
  return prismaOf(database).$transaction(
    async (transaction) => {
      const deadLetters = await transaction.deadLetter.updateManyAndReturn({
        where: { AND: [where(filter), { state: 'open' }] },
        data: marked('discarded', act),
        select: { id: true, orderId: true },
      });
      await auditDeadLetters(transaction, { act: 'discard', by: act, deadLetters });
      return deadLetters.length;
    },
    { timeout: DISCARD_WITHIN_MS },
  );
}

/** Records an act on dead letters, one row each, so that each order's audit has its own. */
async function auditDeadLetters(
  transaction: Prisma.TransactionClient,
  given: {
    act: 'replay' | 'discard';
    by: DeadLetterAct;
    deadLetters: readonly { id: bigint; orderId: string | null }[];
  },
): Promise<void> {
  const { act, by, deadLetters } = given;
  const { actor, note, via } = by;
  await transaction.auditEntry.createMany({
    data: deadLetters.map(({ id, orderId }) => ({
      ...{ act, actor, note, via, orderId },
      facts: { deadLetterId: String(id) },
    })),
  });
}

/** A replayed dead letter that is a dead letter again. */
export interface Comeback {
  id: string;
  /** The new dead letter. */
  newId: string;
  deadLetterReason: string;
}

/** Finds which of these came back: the same message from the same queue, recorded after `afterId`. */
export async function findComebacks(
  database: OrdersDatabase,
  { ids, afterId }: { ids: readonly string[]; afterId: string },
): Promise<Comeback[]> {
  const rows = await prismaOf(database).$queryRaw<
    { id: bigint; newId: bigint; deadLetterReason: string }[]
  >`
    SELECT DISTINCT ON (before.id) before.id, again.id AS "newId",
      again.dead_letter_reason AS "deadLetterReason"
    FROM dead_letters again
    JOIN dead_letters before ON before.message_id = again.message_id
      AND before.source_queue = again.source_queue AND before.content = again.content
    WHERE again.id > ${BigInt(afterId)}
      AND before.id = ANY (string_to_array(${ids.join(',')}, ',')::bigint[])
    ORDER BY before.id, again.id`;
  return rows.map((row) => ({ ...row, id: String(row.id), newId: String(row.newId) }));
}

function where(filter: DeadLetterFilter): Prisma.DeadLetterWhereInput {
  const { ids, deadLetterReason, sourceQueue, orderId, state, since, upToId, isWhole } = filter;
  const id = defined({
    in: ids?.map(BigInt),
    lte: upToId === undefined ? undefined : BigInt(upToId),
  });
  return defined({
    id: Object.keys(id).length > 0 ? id : undefined,
    // What is typed is text, not a pattern.
    deadLetterReason:
      deadLetterReason === undefined
        ? undefined
        : {
            contains: deadLetterReason.replace(/[\\%_]/g, '\\$&'),
            mode: 'insensitive' as const,
          },
    sourceQueue,
    orderId,
    state,
    lastFailedAt: since && { gte: since },
    properties: isWhole && { path: ['original'], equals: Prisma.DbNull },
  });
}

/** What an act makes of a row. */
function marked(state: DeadLetterState, { actor, note }: Act) {
  return { state, decidedBy: actor, decisionNote: note, decidedAt: new Date() };
}

const MESSAGE = { properties: true, headers: true, content: true } satisfies Record<Message, true>;

/** The CHECK constraint vouches for the state. */
function toEntry<Row extends { id: bigint; state: string }>(row: Row) {
  return { ...row, id: String(row.id), state: row.state as DeadLetterState };
}

function toDeadLetter(row: Omit<DeadLetterModel, 'fingerprint'>): DeadLetter {
  return {
    ...toEntry(row),
    // As `recordDeadLetter` wrote them.
    properties: row.properties as DeadLetterProperties,
    headers: row.headers as Record<string, unknown>,
  };
}
