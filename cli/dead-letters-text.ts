import type {
  Comeback,
  DeadLetterEntry,
  DeadLetterGroup,
  DeadLetterList,
  DiscardReport,
  ShownDeadLetter,
} from '../operations/dead-letters';
import type { ReplayProgress, ReplayReport } from '../operations/dead-letters-replay';
import { fields, formatAge } from './output';
import { formatMoment, formatTime } from './times';
import type { NextCommand } from './open-services';
import { entriesTable, withinCell } from './table';
import { BY_SOMEBODY } from './templates';
import { quoted } from './typed-command';

/** How wide the column of types is at most: whoever publishes a message chooses its type. */
const TYPE_WIDTH = 24;

/** Groups first, then rows, then what one can do. */
export function listText(
  { matched, groups, rows }: DeadLetterList,
  nextCommand: NextCommand,
): string {
  if (matched === 0) return 'no dead letter fits';
  const more = matched - rows.length;
  const [oldest] = rows;
  const open = rows.find(({ state }) => state === 'open');
  return [
    groupTable(groups),
    ...(rows.length > 0 ? ['', rowTable(rows)] : []),
    ...(more > 0 ? [`and ${more} more: --limit shows them`] : []),
    '',
    ...(oldest
      ? ['look at the oldest:', `  ${nextCommand(`dead-letters show ${oldest.id}`)}`]
      : []),
    ...(open ? ['once its cause is mended:', `  ${nextCommand(replayCommand(open))}`] : []),
  ].join('\n');
}

/** By its error's name alone: a whole reason may be long, and name fields that others lack. */
function replayCommand({ deadLetterReason }: DeadLetterEntry): string {
  const [kind = deadLetterReason] = deadLetterReason.split(':');
  return `dead-letters replay --reason ${quoted(kind)} ${BY_SOMEBODY}`;
}

function groupTable(groups: readonly DeadLetterGroup[]): string {
  const now = Date.now();
  const entries = groups.map((group) => {
    const { count, deadLetterReason, sourceQueue, firstFailedAt, lastFailedAt } = group;
    const age = formatAge(now - firstFailedAt.getTime());
    return {
      titles: [deadLetterReason],
      cells: [count, sourceQueue, age, formatTime(lastFailedAt)],
    };
  });
  return entriesTable(['count', 'source queue', 'age', 'last failure'], entries);
}

function rowTable(rows: readonly DeadLetterEntry[]): string {
  const entries = rows.map(({ id, state, orderId, type, lastFailedAt }) => ({
    titles: [orderId === null ? 'no readable order' : `order ${orderId}`],
    cells: [id, state, withinCell(type, TYPE_WIDTH), formatTime(lastFailedAt)],
  }));
  return entriesTable(['ID', 'state', 'type', 'last failure'], entries);
}

/** AMQP's timestamps are in seconds; others write milliseconds or microseconds into them. */
function publishedAt(timestampMs: number | undefined): string | undefined {
  if (!timestampMs) return undefined;
  const moment = new Date(timestampMs);
  if (!Number.isNaN(moment.getTime())) return formatMoment(moment);
  return `${timestampMs / 1_000} (no time in seconds)`;
}

/** A dead letter, with the commands that act on it. */
export function showText(deadLetter: ShownDeadLetter, nextCommand: NextCommand): string {
  const { id, state, decidedBy, decidedAt, properties, headers, content, contentEncoding } =
    deadLetter;
  const { original } = properties;
  const act = (verb: string) => nextCommand(`dead-letters ${verb} ${id} ${BY_SOMEBODY}`);
  const text = fields({
    'dead letter': id,
    state: decidedBy
      ? `${state} by ${decidedBy}${decidedAt ? `, ${formatMoment(decidedAt)}` : ''}`
      : state,
    note: deadLetter.decisionNote ?? undefined,
    'dead-letter reason': deadLetter.deadLetterReason,
    'source queue': deadLetter.sourceQueue,
    order: deadLetter.orderId ?? 'not readable',
    type: deadLetter.type,
    'message ID': deadLetter.messageId,
    'published by': deadLetter.appId,
    'published at': publishedAt(properties.timestampMs),
    answers: properties.correlationId,
    'reply to': properties.replyTo,
    attempts: String(deadLetter.attempts),
    'first failure': formatMoment(deadLetter.firstFailedAt),
    'last failure': formatMoment(deadLetter.lastFailedAt),
    headers: JSON.stringify(headers, undefined, 2),
    [contentEncoding === 'base64' ? 'content (binary, as base64)' : 'content']:
      content ??
      `${deadLetter.contentBytes} bytes; --content prints ${original ? 'their head' : 'them'}`,
    'whole content':
      original && `${original.bytes} bytes, SHA-256 ${original.sha256}: not recorded`,
  });
  if (state !== 'open') return text;
  const replay = original ? [] : ['replay it:', `  ${act('replay')}`];
  return [text, '', ...replay, 'discard it:', `  ${act('discard')}`].join('\n');
}

/** How far a replay is. */
export function progressText(progress: ReplayProgress): string {
  switch (progress.kind) {
    case 'replayed':
      return `replayed ${progress.replayed} of ${progress.of}`;
    case 'watching':
      return `watching ${progress.canaries} canaries for ${progress.watchMs / 1_000} s`;
    case 'waiting':
      return `waiting for the broker: ${progress.because}`;
  }
}

const NOTHING_TO_DO = 'nothing to do: no open dead letter fits';

/** What a replay did. */
export function replayText({ dryRun, matched, replayed, cameBack, stopped }: ReplayReport): string {
  if (matched === 0) return NOTHING_TO_DO;
  if (dryRun) return `would replay ${matched}; nothing was changed`;
  return [
    `replayed ${replayed.length} of ${matched}`,
    ...(stopped ? [`stopped (${stopped.because}): ${stopped.detail}`] : []),
    ...cameBack.map(comebackText),
    ...(stopped ? ['the rest is open still: repeat the command once the cause is mended'] : []),
  ].join('\n');
}

/** What a discard did. */
export function discardText({ dryRun, matched, discarded }: DiscardReport): string {
  if (matched === 0) return NOTHING_TO_DO;
  return dryRun ? `would discard ${matched}; nothing was changed` : `discarded ${discarded}`;
}

function comebackText({ id, newId, deadLetterReason }: Comeback): string {
  return `${id} came back as ${newId}: ${deadLetterReason}`;
}
