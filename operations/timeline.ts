import { translated } from '../client/translate-error';
import { readRecordedTimeline, type RecordedTimeline } from '../database/orders/timeline';
import {
  DatabaseUnavailable,
  DispatchUnavailable,
  OrderDispatchError,
  OrderNotFound,
} from '../domain/errors';
import { defined } from '../domain/defined';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import type { OrderStatus } from '../domain/status';
import { mergeTimeline, type TimelineEntry } from '../domain/timeline';
import type { OwnerFacts } from '../domain/why-facts';
import { readHistoryTimeline } from '../temporal/history-timeline';
import { readOwnerFacts } from '../temporal/owner-facts';
import {
  withOperatorDatabases,
  type OperatorDatabaseUrls,
  type OperatorDatabases,
} from './open-databases';
import { QUERY_TIMEOUT_MS } from './open-tasks';
import type { OperatorSession } from './operator-session';

/** Whom to ask about an order; whoever is absent is said to be not known. */
export interface TimelineSources {
  /** How Temporal is spoken to, or why it cannot be. */
  temporal: Pick<OperatorSession, 'temporal'> | OrderDispatchError;
  /** The order database, open; absent where nobody said where it is, or why it cannot be read. */
  orders?: OperatorDatabases['orders'] | OrderDispatchError;
}

/** What happened to an order, and how much of it is known. */
export interface Timeline {
  orderId: string;
  /** Null where its row is lost; absent where no database was read. */
  status?: OrderStatus | null;
  /** The oldest first. */
  entries: TimelineEntry[];
  /** Whether nothing is under way any more. */
  isFinal: boolean;
  /** Of a final order. */
  endedAs?: 'dispatched' | 'cancelled';
  /** The workflow that owns the order: its dispatch, or a later cancellation. Absent if Temporal was not heard. */
  owner?: Pick<OwnerFacts, 'state' | 'endedAs'>;
  /** What could not be read, or is there no more. */
  notKnown: string[];
}

/**
 * Tells what happened to an order, from the order database and from Temporal's histories: after their
 * retention, from the database alone.
 *
 * @throws OrderNotFound where nobody knows it; DispatchUnavailable where nobody could be asked.
 */
export async function readTimeline(sources: TimelineSources, orderId: string): Promise<Timeline> {
  const { temporal, orders } = sources;
  const notKnown: string[] = [];
  const [recorded, told] = await Promise.all([
    readRecorded(orders, orderId, notKnown),
    readTold(temporal, orderId, notKnown),
  ]);
  if (!recorded && !told) {
    throw temporal instanceof OrderDispatchError
      ? temporal
      : new DispatchUnavailable(notKnown.join('; '));
  }
  const isKnown = told?.isKnown === true || (recorded?.entries.length ?? 0) > 0;
  if (!isKnown) throw new OrderNotFound(orderId);
  if (told && !told.isKnown) {
    notKnown.push('attempts and confirms (Temporal has no history of it any more)');
  }
  const owner: OwnerFacts = told?.owner ?? { state: 'notKnown' };
  const entries = mergeTimeline(recorded?.entries ?? [], [
    ...(told?.entries ?? []),
    ...ofAttempt(owner, orderId, told?.entries ?? []),
  ]);
  const last = entries.findLast(({ what }) => what === 'dispatched' || what === 'cancelled');
  const status = recorded?.status ?? last?.what;
  const isFinal = status === 'dispatched' || status === 'cancelled';
  return {
    orderId,
    ...(recorded && { status: recorded.status }),
    entries,
    isFinal: isFinal && owner.state !== 'running',
    ...(isFinal && owner.state !== 'running' && { endedAs: status }),
    ...(told && { owner: { state: owner.state, ...defined({ endedAs: owner.endedAs }) } }),
    notKnown,
  };
}

async function readRecorded(
  orders: TimelineSources['orders'],
  orderId: string,
  notKnown: string[],
): Promise<RecordedTimeline | undefined> {
  if (orders === undefined || orders instanceof OrderDispatchError) {
    const why = orders?.message ?? 'nobody said where it is';
    notKnown.push(`what the order database recorded (${why})`);
    return undefined;
  }
  return readRecordedTimeline(orders, orderId);
}

async function readTold(
  temporal: TimelineSources['temporal'],
  orderId: string,
  notKnown: string[],
): Promise<{ entries: TimelineEntry[]; isKnown: boolean; owner: OwnerFacts } | undefined> {
  try {
    if (temporal instanceof OrderDispatchError) throw temporal;
    const client = temporal.temporal;
    return await translated(orderId, () =>
      client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, async () => {
        const [told, owner] = await Promise.all([
          readHistoryTimeline(client, orderId),
          readOwnerFacts(client, orderId),
        ]);
        return { ...told, owner };
      }),
    );
  } catch (error) {
    if (!(error instanceof DispatchUnavailable)) throw error;
    notKnown.push(`attempts and confirms (${error.message})`);
    return undefined;
  }
}

/** The attempt under way, which is in no history before it ends. */
function ofAttempt(
  { attempt }: OwnerFacts,
  orderId: string,
  told: readonly TimelineEntry[],
): TimelineEntry[] {
  if (!attempt?.startedAt) return [];
  const { kind, number, startedAt, confirmedAt } = attempt;
  const current = told.findLast(
    ({ what, requestId }) => what === 'requested' && requestId !== withdrawalIdOf(orderId),
  );
  const requestId =
    kind === 'withdrawal'
      ? withdrawalIdOf(orderId)
      : (current?.requestId ?? requestIdOf(orderId, 1));
  const from = 'temporal' as const;
  return [
    ...(number > 1
      ? [{ at: startedAt, what: 'requested' as const, requestId, attempt: number, from }]
      : []),
    ...(confirmedAt ? [{ at: confirmedAt, what: 'confirmed' as const, requestId, from }] : []),
  ];
}

/**
 * Opens the order database for the time of `work`, where somebody said where it is. Where it does not
 * answer, `work` gets why.
 */
export async function withOrdersIfThere<Result>(
  { ordersDatabaseUrl, opened }: Partial<OperatorDatabaseUrls>,
  work: (orders: TimelineSources['orders']) => Promise<Result>,
): Promise<Result> {
  if (ordersDatabaseUrl === undefined) return work(undefined);
  let isOpen = false;
  const urls = { ordersDatabaseUrl, ...defined({ opened }) };
  try {
    return await withOperatorDatabases(urls, ({ orders }) => {
      isOpen = true;
      return work(orders);
    });
  } catch (error) {
    if (isOpen || !(error instanceof DatabaseUnavailable)) throw error;
    return work(error);
  }
}
