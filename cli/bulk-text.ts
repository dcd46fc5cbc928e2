import type { BulkCounts } from '../domain/bulk';
import type { BulkPlan, BulkProgress, BulkReport } from '../operations/bulk';
import { fields, formatAge } from './output';
import { entriesTable } from './table';
import { formatTime } from './times';

/** How many of the tasks that were not resolved are shown to a person. */
const SHOWN = 20;

/** What a run would be about: how many by reason, and some of them. */
export function planText({ matched, groups, rows }: BulkPlan): string {
  if (matched === 0) return 'no open human task fits';
  const now = Date.now();
  const sample = rows.map(({ taskId, openedAt, claimedBy }) => {
    const claim = claimedBy === null ? '' : `, ${claimedBy} has it`;
    return `  ${taskId}, open for ${formatAge(now - openedAt.getTime())}${claim}`;
  });
  return [
    `${matched} open human ${matched === 1 ? 'task fits' : 'tasks fit'}:`,
    ...groups.map(({ escalationReason, count }) => `  ${count} ${escalationReason}`),
    'such as',
    ...sample,
  ].join('\n');
}

/** How many tasks were looked at, and how many there are. */
export function lookedAt(counts: BulkCounts): { done: number; of: number } {
  const { pending, resolved, refused, failed, skipped } = counts;
  const done = resolved + refused + failed;
  return { done, of: done + pending + skipped };
}

/** The counts that are not zero, in words. */
export function countsText(counts: BulkCounts): string {
  const given = Object.entries(counts).filter(([, count]: [string, number]) => count > 0);
  return given.map(([state, count]: [string, number]) => `${count} ${state}`).join(', ');
}

/** How a run stands, and what it did not resolve. */
export function reportText({ run, counts, rows }: BulkReport): string {
  const shown = rows.slice(0, SHOWN);
  const more = rows.length - shown.length;
  const head = fields({
    'bulk run': String(run.id),
    decision: run.decision,
    by: `${run.actor}, ${formatTime(run.createdAt)}: ${run.note}`,
    tasks: JSON.stringify(run.filter),
    rate: `${run.ratePerSecond} a second`,
    state: stateText(run.state),
    ended: run.endedAt ? formatTime(run.endedAt) : undefined,
    'aborted by': run.abortedBy === null ? undefined : `${run.abortedBy}: ${run.abortNote}`,
    results: countsText(counts),
  });
  if (shown.length === 0) return head;
  return [
    head,
    '',
    'not resolved:',
    ...shown.map(({ taskId, state, outcome }) => `  ${taskId} ${state}: ${outcome}`),
    ...(more > 0 ? [`and ${more} more: --json has them`] : []),
  ].join('\n');
}

function stateText(state: BulkProgress['run']['state']): string {
  return state === 'canaryFailed'
    ? 'canaryFailed: one of the first tasks failed, and no other was touched'
    : state;
}

/** Runs, the newest first. */
export function listText(runs: readonly BulkProgress[]): string {
  if (runs.length === 0) return 'there is no bulk run';
  const entries = runs.map(({ run, counts }) => ({
    titles: [`${run.decision} by ${run.actor}: ${run.note}`],
    cells: [run.id, run.state, formatTime(run.createdAt), countsText(counts)],
  }));
  return entriesTable(['run', 'state', 'since', 'tasks'], entries);
}
