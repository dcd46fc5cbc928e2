import { setTimeout as delay } from 'node:timers/promises';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  findComebacks,
  findDeadLetters,
  groupDeadLetters,
  lastDeadLetterId,
  replayDeadLetter,
  type Comeback,
  type DeadLetter,
  type DeadLetterAct,
  type DeadLetterFilter,
} from '../database/orders/dead-letters';
import { parseAct, type Act } from '../domain/act';
import { deadLetterQueueOf } from '../domain/amqp-names';
import { BrokerUnavailable, MalformedMessage, UnroutableMessage } from '../domain/errors';
import type { ConnectionOptions } from '../messaging/connection';
import { publishReceived } from '../messaging/publish-received';
import type { OutgoingMessage } from '../messaging/publisher';
import { openReplayBroker, type ReplayBroker } from './replay-broker';

/** What to replay, and how carefully. */
export interface ReplayOptions {
  database: OrdersDatabase;
  amqpUrl: string;
  log: ConnectionOptions['log'];
  /** Which of the open dead letters. */
  filter: DeadLetterFilter;
  /** Who replays, and why. */
  actor: string;
  note: string;
  /** Which way the act comes. @default 'cli' */
  via?: Act['via'];
  /** Only counts. @default false */
  dryRun?: boolean;
  /** Messages per second. @default 10 */
  ratePerSecond?: number;
  /** How many must succeed before the rest go; 0 sends all at once. @default 3 */
  canary?: number;
  /**
   * How long a canary may come back as a dead letter before it counts as handled, in ms. A malformed
   * message comes back at once, one that its consumer tries five times after 15 s. @default 20000
   */
  watchMs?: number;
  /** At most so many. @default no limit */
  limit?: number;
  /** How long the broker may be away before the replay stops, in ms. @default 30000 */
  brokerWaitMs?: number;
  /** Hears how far the replay is. */
  onProgress?: (progress: ReplayProgress) => void;
}

/** How far a replay is. */
export type ReplayProgress =
  | { kind: 'replayed'; replayed: number; of: number }
  | { kind: 'watching'; canaries: number; watchMs: number }
  | { kind: 'waiting'; because: string };

/** Why a replay stopped before its end. What was not confirmed is open still. */
type ReplayStop = 'noConsumer' | 'canaryFailed' | 'brokerUnavailable' | 'publishRefused';

/** What a replay did. */
export interface ReplayReport {
  dryRun: boolean;
  /** How many open dead letters it was to replay. */
  matched: number;
  /** IDs of those whose message the broker confirmed, in order. */
  replayed: string[];
  /** Those of them that are dead letters again by now. */
  cameBack: Comeback[];
  /** Present where it did not replay all: repeat it when the cause is mended. */
  stopped?: { because: ReplayStop; detail: string };
}

/** How often the canaries are looked after, in ms. */
const LOOK_EVERY_MS = 250;

/** Rows that are read at once. */
const PAGE = 200;

/**
 * Replays open dead letters, the oldest first; those whose content is recorded in part only are left out. Each is
 * published to its source queue and marked once the broker has confirmed it. First the canaries; only when none of them is back in time, the rest,
 * which stops as soon as a canary comes back after all. Repeating it goes on where it stopped.
 *
 * @throws ResolutionRefused where the actor or the note is missing.
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayReport> {
  const { database, limit = Infinity, via = 'cli', dryRun = false } = options;
  const act = { ...parseAct(options), via };
  const upToId = await lastDeadLetterId(database);
  const filter: DeadLetterFilter = {
    ...options.filter,
    state: 'open',
    upToId,
    // One that is asked for by its ID is refused with the reason.
    ...(!options.filter.ids && { isWhole: true as const }),
  };
  const groups = await groupDeadLetters(database, filter);
  const matched = Math.min(
    limit,
    groups.reduce((sum, { count }) => sum + count, 0),
  );
  const report: ReplayReport = { dryRun, matched, replayed: [], cameBack: [] };
  if (matched === 0 || dryRun) return report;
  let broker: ReplayBroker | undefined;
  try {
    broker = await openReplayBroker({ url: options.amqpUrl, log: options.log });
    const sourceQueues = [...new Set(groups.map(({ sourceQueue }) => sourceQueue))];
    if (options.canary !== 0) await requireConsumers(broker, sourceQueues);
    await replayAll({ ...options, broker, act, filter, upToId, report });
  } catch (error) {
    const because = stopReason(error);
    if (!because) throw error;
    report.stopped = { because, detail: (error as Error).message };
  } finally {
    await broker?.close();
  }
  report.cameBack = await findComebacks(database, { ids: report.replayed, afterId: upToId });
  return report;
}

/** A replay that is under way. */
type Replay = ReplayOptions & {
  broker: ReplayBroker;
  act: DeadLetterAct;
  filter: DeadLetterFilter;
  upToId: string;
  report: ReplayReport;
};

async function replayAll(replay: Replay): Promise<void> {
  const { ratePerSecond = 10, canary = 3, watchMs = 20_000, report, onProgress } = replay;
  const canaries = Math.min(canary, report.matched);
  const watch = async () => {
    onProgress?.({ kind: 'watching', canaries: report.replayed.length, watchMs });
    await watchCanaries(replay, canaries, watchMs);
  };
  let nextAt = Date.now();
  let lookAt = nextAt;
  for await (const id of openIds(replay)) {
    await delay(Math.max(0, nextAt - Date.now()));
    nextAt = Math.max(nextAt, Date.now() - 1_000) + 1_000 / ratePerSecond;
    if (!(await replayOne(replay, id))) continue;
    report.replayed.push(id);
    const replayed = report.replayed.length;
    onProgress?.({ kind: 'replayed', replayed, of: report.matched });
    if (replayed === canaries) await watch();
    if (replayed > canaries && Date.now() >= lookAt) {
      await refuseComebacks(replay, canaries);
      lookAt = Date.now() + LOOK_EVERY_MS;
    }
    if (replayed >= report.matched) return;
  }
  // Others were quicker with some, so that there was no last canary.
  if (report.replayed.length < canaries) await watch();
}

/** The IDs of what is to be replayed, page by page. */
async function* openIds({ database, filter }: Replay): AsyncGenerator<string> {
  let afterId = '0';
  for (;;) {
    const page = await findDeadLetters(database, { ...filter, afterId }, PAGE);
    for (const { id } of page) yield id;
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
  }
}

/** Replays one, and waits for the broker where it is away. @returns false where it is not open any more. */
async function replayOne(replay: Replay, id: string): Promise<boolean> {
  const { database, broker, act, brokerWaitMs = 30_000, onProgress } = replay;
  let deadline: number | undefined;
  for (;;) {
    try {
      return await replayDeadLetter(database, {
        id,
        act,
        publish: (deadLetter) => publishReceived(broker.publisher, messageOf(deadLetter)),
      });
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      deadline ??= Date.now() + brokerWaitMs;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw error;
      onProgress?.({ kind: 'waiting', because: error.message });
      await delay(Math.min(LOOK_EVERY_MS, leftMs));
      await broker.publisher.whenAvailable(AbortSignal.timeout(leftMs)).catch(() => {
        throw error;
      });
    }
  }
}

/** What consumers and the broker said of the failure; a new failure gets new ones. */
const FAILURE_HEADERS =
  /^(deadLetterReason|firstFailedAt|lastFailedAt|attempts|sourceQueue|x-death|x-delivery-count|unwritable|x-(first|last)-death-.*)$/;

function messageOf(deadLetter: DeadLetter): OutgoingMessage {
  const { sourceQueue, type, messageId, appId, headers, content, properties } = deadLetter;
  const { correlationId, replyTo, timestampMs, original } = properties;
  if (original) {
    throw new MalformedMessage(
      `of dead letter ${deadLetter.id} only the first ${content.length} of ${original.bytes} bytes are recorded: it cannot be replayed, only discarded`,
    );
  }
  return {
    // Straight to the queue that it came from: the others have had their copy.
    exchange: '',
    routingKey: sourceQueue,
    type,
    messageId,
    appId,
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(timestampMs !== undefined && { timestamp: timestampMs }),
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => !FAILURE_HEADERS.test(name)),
    ),
    content: Buffer.from(content),
  };
}

/** Nobody consumes a queue without which a canary says nothing. */
class NoConsumer extends Error {}

/** A canary is a dead letter again. */
class CanaryFailed extends Error {}

function stopReason(error: unknown): ReplayStop | undefined {
  if (error instanceof NoConsumer) return 'noConsumer';
  if (error instanceof CanaryFailed) return 'canaryFailed';
  if (error instanceof BrokerUnavailable) return 'brokerUnavailable';
  const isRefused = error instanceof UnroutableMessage || error instanceof MalformedMessage;
  return isRefused ? 'publishRefused' : undefined;
}

/** Without who handles the canaries, and who records those that fail, none would ever come back. */
async function requireConsumers(
  broker: ReplayBroker,
  sourceQueues: readonly string[],
): Promise<void> {
  const queues = sourceQueues.flatMap((queue) => [queue, deadLetterQueueOf(queue)]);
  const without = await broker.queuesWithoutConsumer(queues);
  if (without.length === 0) return;
  throw new NoConsumer(
    `nobody consumes ${without.join(', ')}: canaries would sit there and prove nothing; start the dispatch system, the supplement system and a worker`,
  );
}

async function watchCanaries(replay: Replay, canaries: number, watchMs: number): Promise<void> {
  const until = Date.now() + watchMs;
  for (;;) {
    await refuseComebacks(replay, canaries);
    const leftMs = until - Date.now();
    if (leftMs <= 0) return;
    await delay(Math.min(LOOK_EVERY_MS, leftMs));
  }
}

async function refuseComebacks(replay: Replay, canaries: number): Promise<void> {
  const { database, report, upToId } = replay;
  const ids = report.replayed.slice(0, canaries);
  if (ids.length === 0) return;
  const [first] = await findComebacks(database, { ids, afterId: upToId });
  if (!first) return;
  throw new CanaryFailed(
    `canary ${first.id} is a dead letter again, as ${first.newId} (${first.deadLetterReason}): the cause is not mended`,
  );
}
