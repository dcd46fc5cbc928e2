import type { Via } from './act';
import type { EscalationReason } from './status';

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
