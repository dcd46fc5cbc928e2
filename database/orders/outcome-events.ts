import type { StoredOutcomeEvent } from '../../domain/outcome-events';
import { prismaOf, type OrdersDatabase } from './connection';

/** How long a batch may take, in ms: longer than the broker may take to confirm. */
const RELAY_WITHIN_MS = 20_000;

/** What became of an event: `unsent` stays for another time, a refusal for a person. */
export type EventFate = 'sent' | 'unsent' | { refusal: string };

/**
 * Takes the events that are next, has them published, and marks what was. They are locked meanwhile: no
 * other relay publishes them, and if this one dies they are as before. Of each subject it takes the oldest
 * only, and none where another relay has that: so a subject's events go out one after the other, however
 * many relays there are.
 *
 * @param given.limit how many at most.
 * @param given.publish says of each event what became of it; where it throws, all are as before.
 * @returns how many it took, and whether there is more to take now.
 */
export function relayOutcomeEvents(
  database: OrdersDatabase,
  given: {
    limit: number;
    publish: (events: readonly StoredOutcomeEvent[]) => Promise<readonly EventFate[]>;
  },
): Promise<{ taken: number; hasMore: boolean }> {
  return prismaOf(database).$transaction(
    async (transaction) => {
      // Where another relay was quicker, the lock finds the row sent, and it is left out.
      const events = await transaction.$queryRaw<TakenEvent[]>`
        SELECT id, event_id AS "eventId", subject, type, body, created_at AS at, EXISTS (
          SELECT 1 FROM outcome_events later
          WHERE later.subject = next.subject AND later.id > next.id
            AND later.sent_at IS NULL AND later.refusal IS NULL) AS "isFollowed"
        FROM outcome_events next
        WHERE sent_at IS NULL AND refusal IS NULL AND NOT EXISTS (
          SELECT 1 FROM outcome_events older
          WHERE older.subject = next.subject AND older.id < next.id
            AND older.sent_at IS NULL AND older.refusal IS NULL)
        ORDER BY id LIMIT ${given.limit} FOR UPDATE SKIP LOCKED`;
      if (events.length === 0) return { taken: 0, hasMore: false };
      const fates = await given.publish(events);
      const sent = events.filter((_, n) => fates[n] === 'sent').map(({ id }) => id);
      await transaction.$executeRaw`
        UPDATE outcome_events SET sent_at = clock_timestamp()
        WHERE id = ANY (string_to_array(${sent.join(',')}, ',')::bigint[])`;
      for (const [n, { id }] of events.entries()) {
        const fate = fates[n];
        if (typeof fate !== 'object') continue;
        await transaction.outcomeEvent.update({ where: { id }, data: { refusal: fate.refusal } });
      }
      const hasMore = events.length === given.limit || events.some(({ isFollowed }) => isFollowed);
      return { taken: events.length, hasMore };
    },
    { timeout: RELAY_WITHIN_MS },
  );
}

interface TakenEvent extends StoredOutcomeEvent {
  id: bigint;
  /** Whether its subject has another one that waits for it. */
  isFollowed: boolean;
}
