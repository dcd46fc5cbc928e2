import type { Via } from './act';
import { UsageError } from './errors';
import { ESCALATION_REASONS, type EscalationReason } from './status';

/** What a human task is about: an order's dispatch, its withdrawal, a finding, or the service's health. */
export const HUMAN_TASK_KINDS = ['order', 'withdrawal', 'discrepancy', 'health'] as const;

/** One of {@link HUMAN_TASK_KINDS}. */
export type HumanTaskKind = (typeof HUMAN_TASK_KINDS)[number];

/** How long a claim lasts, in ms. */
export const CLAIM_LEASE_MS = 15 * 60_000;

/** A human task as it is listed; its workflow owns it. */
export interface HumanTaskRow {
  /** The workflow ID. */
  taskId: string;
  openedAt: Date;
  kind: HumanTaskKind;
  orderId: string | null;
  restaurantId: string | null;
  escalationReason: EscalationReason;
  /** From when on it should be decided: snoozing does not change it. */
  dueAt: Date;
  overdueAt: Date;
  /** Who looks at it; null also where the claim's time is over. */
  claimedBy: string | null;
  claimedUntil: Date | null;
  snoozedUntil: Date | null;
}

/** Who does something about a task that does not decide it. */
export interface TaskAct {
  actor: string;
  via: Via;
  note?: string;
}

/** What an open task's list is narrowed to; all conditions that are given must fit. */
export interface HumanTaskFilter {
  escalationReason?: EscalationReason;
  kind?: HumanTaskKind;
  /** Of any other kind. */
  exceptKind?: HumanTaskKind;
  /** An order ID or a task ID. */
  about?: string;
  /** One of these. */
  taskIds?: readonly string[];
  restaurantId?: string;
  claimedBy?: string;
  /** Opened at or before. */
  openedBefore?: Date;
}

/** The place of a human task in the list of those that are open. */
export interface HumanTaskPlace {
  escalationReason: EscalationReason;
  isSnoozed: boolean;
  /** ISO 8601. */
  dueAt: string;
  taskId: string;
}

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
