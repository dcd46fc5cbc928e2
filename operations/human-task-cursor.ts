import { UsageError } from '../domain/errors';
import type { HumanTaskPlace, HumanTaskRow } from '../domain/human-task';
import { ESCALATION_REASONS } from '../domain/status';

/** The place of a task as one word, with which the next page begins. */
export function humanTaskCursorOf(row: HumanTaskRow, now = Date.now()): string {
  const isSnoozed = row.snoozedUntil !== null && row.snoozedUntil.getTime() > now;
  const place = [row.escalationReason, isSnoozed, row.dueAt.toISOString(), row.taskId].join(' ');
  return Buffer.from(place).toString('base64url');
}

/**
 * Reads a {@link humanTaskCursorOf}.
 *
 * @throws UsageError where it is none.
 */
export function parseHumanTaskCursor(cursor: string): HumanTaskPlace {
  const place = Buffer.from(cursor, 'base64url').toString();
  const [reason, isSnoozed, dueAt = '', taskId = ''] = place.split(' ');
  const escalationReason = ESCALATION_REASONS.find((each) => each === reason);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(dueAt);
  if (!escalationReason || !isTime || !/^[\x21-\x7e]{1,200}$/.test(taskId)) {
    throw new UsageError('after: must be what the page before said is next');
  }
  return { escalationReason, isSnoozed: isSnoozed === 'true', dueAt, taskId };
}
