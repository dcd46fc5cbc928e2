import type { EscalationReason } from './status';

/** What can have happened to an order, in the order in which it is told of one moment. */
const TIMELINE_KINDS = [
  'placed',
  'requested',
  'confirmed',
  'acknowledged',
  'deadLettered',
  'escalated',
  'resolved',
  'cancellationAsked',
  'taskClosed',
  'acted',
  'dispatched',
  'cancelled',
  'repaired',
  'workflowEnded',
  'erased',
] as const;

/** Something that happened to an order. What a kind has no use for is absent. */
export interface TimelineEntry {
  /** ISO 8601. */
  at: string;
  what: (typeof TIMELINE_KINDS)[number];
  /** Who recorded it. */
  from: 'orderDatabase' | 'temporal';
  requestId?: string;
  attempt?: number;
  outcome?: string;
  /** What the ledger made of the answer. */
  class?: string;
  courierId?: string;
  rejectionCode?: string;
  escalationReason?: EscalationReason;
  taskId?: string;
  /** What closed a task that no person resolved: answer or cancellation. */
  closedBy?: string;
  /** What a person did that decided nothing, such as `claim`. */
  act?: string;
  decision?: string;
  actor?: string;
  via?: string;
  note?: string;
  deadLetterReason?: string;
  /** The rule that a repair followed, and what was done. */
  found?: string;
  done?: string;
  /** How a workflow ended that did not complete. */
  how?: string;
}

/** How long after it was decided a decision may have been recorded, in ms: the database may be away. */
const RECORDED_WITHIN_MS = 10 * 60_000;

/**
 * Makes one timeline of what the order database recorded and of what Temporal's histories tell, in time
 * order. What both know is told once, as it was recorded.
 */
export function mergeTimeline(
  recorded: readonly TimelineEntry[],
  told: readonly TimelineEntry[],
): TimelineEntry[] {
  const used = new Set<TimelineEntry>();
  const more = told.filter((entry) => {
    const same = recorded.find((each) => isSame(each, entry) && !used.has(each));
    if (same && isOnce(entry)) used.add(same);
    return !same;
  });
  const all = [...new Map([...recorded, ...more].map((entry) => [keyOf(entry), entry])).values()];
  const rank = ({ what }: TimelineEntry) => TIMELINE_KINDS.indexOf(what);
  const placed = all.find(({ what }) => what === 'placed');
  // By another clock, what follows at once can seem to come before.
  const inTime = all.map((entry) =>
    placed && Date.parse(entry.at) < Date.parse(placed.at) ? { ...entry, at: placed.at } : entry,
  );
  return inTime.sort(
    (left, right) => Date.parse(left.at) - Date.parse(right.at) || rank(left) - rank(right),
  );
}

/** What tells one entry from another, however often it is read. */
export function keyOf({ at, what, requestId, attempt, taskId, act }: TimelineEntry): string {
  // An attempt is one, whoever says when it began.
  const when = what === 'requested' ? '' : at;
  return JSON.stringify([what, when, requestId, attempt, taskId, act]);
}

/** Whether a person does each of these anew: the same one may come again. */
function isOnce({ what }: TimelineEntry): boolean {
  return what === 'resolved' || what === 'cancellationAsked';
}

function isSame(recorded: TimelineEntry, told: TimelineEntry): boolean {
  if (recorded.what !== told.what) return false;
  switch (told.what) {
    case 'placed':
    case 'dispatched':
    case 'cancelled':
      return true;
    case 'acknowledged':
      return recorded.requestId === told.requestId && recorded.outcome === told.outcome;
    case 'escalated':
      return recorded.at === told.at;
    case 'repaired':
      return recorded.done === told.done;
    case 'resolved':
    case 'cancellationAsked': {
      const laterMs = Date.parse(recorded.at) - Date.parse(told.at);
      const isNear = Math.abs(laterMs) < RECORDED_WITHIN_MS;
      return recorded.decision === told.decision && isNear;
    }
    default:
      return false;
  }
}

/** An entry in words, without its time. */
export function timelineText(entry: TimelineEntry): string {
  const { requestId, attempt, courierId, rejectionCode, actor, note } = entry;
  const by = actor === undefined ? '' : ` by ${actor}`;
  const why = note === undefined ? '' : `: ${note}`;
  switch (entry.what) {
    case 'placed':
      return 'placed';
    case 'requested':
      return `requested: ${requestId} (attempt ${attempt})`;
    case 'confirmed':
      return `confirmed: the broker has ${requestId}`;
    case 'acknowledged': {
      const who = courierId === undefined ? '' : ` by courier ${courierId}`;
      const code = rejectionCode === undefined ? '' : ` with ${rejectionCode}`;
      const odd =
        entry.class === undefined || entry.class === 'first'
          ? ''
          : ` (${entry.class}: not applied)`;
      return `acknowledged: ${requestId} ${entry.outcome}${who}${code}${odd}`;
    }
    case 'deadLettered':
      return `dead-lettered: ${requestId}: ${entry.deadLetterReason}`;
    case 'escalated':
      return `escalated: ${entry.escalationReason}`;
    case 'resolved':
      return `resolved: ${entry.decision}${by}${why}`;
    case 'cancellationAsked':
      return `cancellation asked for${by}${why}`;
    case 'taskClosed':
      return `human task closed by ${entry.closedBy === 'answer' ? 'an answer' : 'a cancellation'}`;
    case 'acted':
      return `${entry.act}${by}${why}`;
    case 'dispatched':
      return `dispatched with courier ${courierId ?? 'not recorded'}`;
    case 'cancelled':
      return rejectionCode === undefined
        ? 'cancelled: it is compensated, no courier comes'
        : `cancelled: rejected with ${rejectionCode}`;
    case 'repaired':
      return `repaired: ${entry.done}${entry.found === undefined ? '' : `, since ${entry.found}`}${by}${why}`;
    case 'workflowEnded':
      return `its workflow ended: ${entry.how}`;
    case 'erased':
      return 'its personal data was erased';
  }
}
