/**
 * Bugs that a process can be made to have, to prove that the fault suite would catch them:
 * `ackBeforeCommit` acks a message before it is handled, `noInbox` forgets what was answered.
 */
export const DELIBERATE_BUGS = ['ackBeforeCommit', 'noInbox'] as const;

/** A bug that a process can be made to have. */
export type DeliberateBug = (typeof DELIBERATE_BUGS)[number];

let present: DeliberateBug | undefined;

/** Gives this process a bug; without a call, it has none of them. */
export function haveDeliberateBug(bug: DeliberateBug | undefined): void {
  present = bug;
}

/** Whether this process was given that bug. */
export function hasDeliberateBug(bug: DeliberateBug): boolean {
  return present === bug;
}
