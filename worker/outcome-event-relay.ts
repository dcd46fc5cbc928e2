import { setTimeout as delay } from 'node:timers/promises';
import type { OrdersDatabase } from '../database/orders/connection';
import { tellDueTasks } from '../database/orders/due-tasks';
import { relayOutcomeEvents, type EventFate } from '../database/orders/outcome-events';
import { MalformedMessage, UnroutableMessage } from '../domain/errors';
import type { StoredOutcomeEvent } from '../domain/outcome-events';
import { outcomeEventMessage } from '../messaging/messages';
import { MessageNacked, type Publisher } from '../messaging/publisher';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import { retryPauseMs } from '../runtime/retry-pause';

/** Events that are taken at once, and tasks that are told in one statement. */
const BATCH = 100;

/** How long events gather once somebody woke the relay, in ms: a transaction each would cost orders. */
const GATHER_MS = 100;

/** How often it looks where nobody wakes it, in ms. */
export interface RelayPolls {
  /** For tasks that are due, and for what other processes left. @default 1000 */
  busyMs: number;
  /** Once it finds nothing any more. @default 5000 */
  idleMs: number;
}

const DEFAULT_POLLS: RelayPolls = { busyMs: 1_000, idleMs: 5_000 };

/** Pauses after failures: the first, doubled each time up to the longest, in ms. */
const PAUSES = { initialMs: 1_000, maximumMs: 30_000 };

/** What a relay did since its process started. */
export interface RelayedEvents {
  /** Events that the broker confirmed. */
  sent: number;
  /** Those among them for which no queue was bound: nobody asked for them. */
  unrouted: number;
  /** Events that can never be published: they wait for a person. */
  refused: number;
}

/** A relay of outcome events. */
export interface OutcomeEventRelay {
  /** Looks soon: there may be something to send. */
  wake: () => void;
  counts: () => RelayedEvents;
  /** Finishes the batch under way; what is left waits in the database for another relay. */
  close: () => Promise<void>;
}

/**
 * Starts to publish outcome events from the table in which the order's own transaction wrote them, each at
 * least once and with the same ID, an order's events one after the other; and to tell of tasks that are
 * due. Any number may run. While the broker or the database is away it waits, and loses nothing.
 */
export function startOutcomeEventRelay(options: {
  database: OrdersDatabase;
  publisher: Publisher;
  log: Logger;
  polls?: RelayPolls;
}): OutcomeEventRelay {
  const { database, publisher, log, polls = DEFAULT_POLLS } = options;
  const counts: RelayedEvents = { sent: 0, unrouted: 0, refused: 0 };
  const stopping = new AbortController();
  let resting = new AbortController();
  const wake = () => resting.abort();

  const publishOne = async (event: StoredOutcomeEvent): Promise<EventFate> => {
    const { eventId, subject, type } = event;
    try {
      await publisher.publish(outcomeEventMessage(event));
    } catch (error) {
      if (error instanceof MalformedMessage) {
        counts.refused += 1;
        log.error({ eventId, subject, type, err: error }, 'an event can never be published');
        return { refusal: error.message };
      }
      if (error instanceof MessageNacked) {
        log.warn({ eventId, subject, type }, 'the broker refuses an event: tried again later');
        return 'nacked';
      }
      if (!(error instanceof UnroutableMessage)) throw error;
      counts.unrouted += 1;
      log.debug({ eventId, subject, type }, 'no queue is bound for this event');
    }
    counts.sent += 1;
    return 'sent';
  };

  /** Publishes what is there, batch by batch. @returns whether there was anything. */
  const relayAll = async (): Promise<boolean> => {
    let failure: unknown;
    let any = false;
    const publish = async (events: readonly StoredOutcomeEvent[]) => {
      crashPoint('relay.beforePublish');
      const settled = await Promise.allSettled(events.map(publishOne));
      crashPoint('relay.beforeCommit');
      return settled.map((each): EventFate => {
        if (each.status === 'fulfilled') return each.value;
        failure = each.reason;
        return 'unsent';
      });
    };
    let hasMore = true;
    while (hasMore && !stopping.signal.aborted) {
      const relayed = await relayOutcomeEvents(database, { limit: BATCH, publish });
      any ||= relayed.taken > 0;
      hasMore = relayed.hasMore;
      // What was sent is marked by now.
      if (failure !== undefined) throw failure as Error;
    }
    return any;
  };

  const rest = async (ms: number) => {
    await delay(ms, undefined, { signal: resting.signal }).catch(() => {});
    if (!resting.signal.aborted) return;
    resting = new AbortController();
    await delay(GATHER_MS, undefined, { signal: stopping.signal }).catch(() => {});
  };

  const run = async () => {
    let pollMs = polls.busyMs;
    let tellAt = 0;
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        await publisher.whenAvailable(stopping.signal);
        if (Date.now() >= tellAt) {
          const told = await tellDueTasks(database, { limit: BATCH });
          tellAt = told === BATCH ? 0 : Date.now() + polls.busyMs;
        }
        const any = await relayAll();
        failures = 0;
        pollMs = any ? polls.busyMs : Math.min(polls.idleMs, pollMs * 2);
        if (tellAt > 0) await rest(pollMs);
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        log.warn({ err: error, failures }, 'outcome events wait: they cannot be sent now');
        const pauseMs = retryPauseMs(failures, PAUSES);
        await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  };
  const running = run();

  return {
    wake,
    counts: () => ({ ...counts }),
    close: async () => {
      stopping.abort();
      wake();
      await running;
    },
  };
}
