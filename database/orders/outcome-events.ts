import type { StoredOutcomeEvent } from '../../domain/outcome-events';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';

/** How long the events of a relay are left to it, in ms: longer than the broker may take to confirm. */
const LEASE_MS = 30_000;

/** The pause after the first refusal of the broker's, in s, doubled each time up to the longest. */
const REFUSED_PAUSE_S = { first: 1, longest: 300 };

/**
 * What became of an event: `unsent` is free for the next look, `nacked` waits for a pause since the broker refused
 * it, and a refusal waits for a person.
 */
export type EventFate = 'sent' | 'unsent' | 'nacked' | { refusal: string };

/**
 * Takes the events that are next, has them published, and marks what was. They are leased meanwhile, without a
 * transaction: no other relay publishes them, and if this one dies they are free once the lease is over. Of each
 * subject it takes the oldest only, and none where another relay has that: so a subject's events go out one after
 * the other, however many relays there are.
 *
 * @param given.limit how many at most.
 * @param given.publish says of each event what became of it; where it throws, all are free again.
 * @param given.leaseMs how long they are left to this relay. @default 30000
 * @returns how many it took, and whether there is more to take now.
 */
export async function relayOutcomeEvents(
  database: OrdersDatabase,
  given: {
    limit: number;
    publish: (events: readonly StoredOutcomeEvent[]) => Promise<readonly EventFate[]>;
    leaseMs?: number;
  },
): Promise<{ taken: number; hasMore: boolean }> {
  const { limit, publish, leaseMs = LEASE_MS } = given;
  const events = await leaseEvents(database, { limit, leaseMs });
  if (events.length === 0) return { taken: 0, hasMore: false };
  let fates: readonly EventFate[] = events.map(() => 'unsent');
  try {
    fates = await publish(events);
  } finally {
    await settleEvents(database, events, fates);
  }
  const hasMore = events.length === limit || events.some(({ isFollowed }) => isFollowed);
  return { taken: events.length, hasMore };
}

interface TakenEvent extends StoredOutcomeEvent {
  id: bigint;
  /** Whether its subject has another one that waits for it. */
  isFollowed: boolean;
}

async function leaseEvents(
  database: OrdersDatabase,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<TakenEvent[]> {
  // Where another relay was quicker, the lock finds the row leased or sent, and it is left out.
  const events = await prismaOf(database).$queryRaw<TakenEvent[]>`
    UPDATE outcome_events taken
    SET not_before = clock_timestamp() + ${leaseMs} * interval '1 ms'
    FROM (
      SELECT id, EXISTS (
        SELECT 1 FROM outcome_events later
        WHERE later.subject = free.subject AND later.id > free.id
          AND later.sent_at IS NULL AND later.refusal IS NULL) AS is_followed
      FROM outcome_events free
      WHERE sent_at IS NULL AND refusal IS NULL
        AND (not_before IS NULL OR not_before <= clock_timestamp())
        AND NOT EXISTS (
          SELECT 1 FROM outcome_events older
          WHERE older.subject = free.subject AND older.id < free.id
            AND older.sent_at IS NULL AND older.refusal IS NULL)
      ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ) AS next
    WHERE taken.id = next.id
    RETURNING taken.id, event_id AS "eventId", subject, type, body, created_at AS at,
      is_followed AS "isFollowed"`;
  return events.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

async function settleEvents(
  database: OrdersDatabase,
  events: readonly TakenEvent[],
  fates: readonly EventFate[],
): Promise<void> {
  const prisma = prismaOf(database);
  const having = (fate: EventFate) =>
    events.filter((_, n) => fates[n] === fate).map(({ id }) => id);
  const [sent, unsent, nacked] = [having('sent'), having('unsent'), having('nacked')];
  if (sent.length > 0) {
    await prisma.$executeRaw`
      UPDATE outcome_events SET sent_at = clock_timestamp() WHERE ${isOneOf(sent)}`;
  }
  if (unsent.length > 0) {
    await prisma.$executeRaw`UPDATE outcome_events SET not_before = NULL WHERE ${isOneOf(unsent)}`;
  }
  if (nacked.length > 0) {
    const { first, longest } = REFUSED_PAUSE_S;
    await prisma.$executeRaw`
      UPDATE outcome_events SET failures = failures + 1, not_before = clock_timestamp()
        + LEAST(${longest}, ${first} * 2 ^ LEAST(failures, 30)) * interval '1 s'
      WHERE ${isOneOf(nacked)}`;
  }
  for (const [n, { id }] of events.entries()) {
    const fate = fates[n];
    if (typeof fate !== 'object') continue;
    await prisma.outcomeEvent.update({ where: { id }, data: { refusal: fate.refusal } });
  }
}

function isOneOf(ids: readonly bigint[]): Prisma.Sql {
  return Prisma.sql`id = ANY (string_to_array(${ids.join(',')}, ',')::bigint[])`;
}
