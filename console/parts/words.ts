/** How much something matters, which is its colour; the colour never stands alone. */
export type Tone = 'bad' | 'warn' | 'good' | 'busy' | 'calm';

interface Word {
  text: string;
  tone: Tone;
}

const REASONS: Record<string, Word> = {
  noAcknowledgement: { text: 'No acknowledgement', tone: 'warn' },
  brokerUnavailable: { text: 'Broker unavailable', tone: 'bad' },
  databaseUnavailable: { text: 'Database unavailable', tone: 'bad' },
  requestFailed: { text: 'Request failed', tone: 'bad' },
  deadlinePassed: { text: 'Deadline passed', tone: 'warn' },
  rejected: { text: 'Rejected', tone: 'warn' },
  requestDeadLettered: { text: 'Request dead-lettered', tone: 'bad' },
  withdrawalFailed: { text: 'Withdrawal failed', tone: 'bad' },
  courierToCallOff: { text: 'Courier to call off', tone: 'warn' },
  discrepancy: { text: 'Databases disagree', tone: 'busy' },
  unhealthy: { text: 'Service unhealthy', tone: 'bad' },
};

const STATUSES: Record<string, Word> = {
  placed: { text: 'placed', tone: 'busy' },
  escalated: { text: 'escalated', tone: 'warn' },
  cancelling: { text: 'cancelling', tone: 'warn' },
  dispatched: { text: 'dispatched', tone: 'good' },
  cancelled: { text: 'cancelled', tone: 'calm' },
  // Of dispatches.
  live: { text: 'live', tone: 'good' },
  withdrawn: { text: 'withdrawn', tone: 'calm' },
  // Of dead letters.
  open: { text: 'open', tone: 'warn' },
  replayed: { text: 'replayed', tone: 'good' },
  discarded: { text: 'discarded', tone: 'calm' },
  // Of bulk runs and their rows.
  running: { text: 'running', tone: 'busy' },
  done: { text: 'done', tone: 'good' },
  aborted: { text: 'aborted', tone: 'calm' },
  canaryFailed: { text: 'canary failed', tone: 'bad' },
  refused: { text: 'refused', tone: 'warn' },
  failed: { text: 'failed', tone: 'bad' },
  // Of repairs.
  nothing: { text: 'nothing done', tone: 'bad' },
  restarted: { text: 'restarted', tone: 'good' },
  kept: { text: 'kept', tone: 'calm' },
  withdrawalRefused: { text: 'withdrawal refused', tone: 'bad' },
  // Of the service.
  healthy: { text: 'healthy', tone: 'good' },
  unhealthy: { text: 'unhealthy', tone: 'bad' },
  stale: { text: 'not checked lately', tone: 'warn' },
  critical: { text: 'critical', tone: 'bad' },
  warning: { text: 'warning', tone: 'warn' },
};

/** What each decision does, for its button. */
const DECISIONS: Record<string, { label: string; does: string; isDrastic?: true }> = {
  retry: { label: 'Retry', does: 'Asks the dispatch system again, with a new request.' },
  markDispatched: {
    label: 'Mark dispatched',
    does: 'You have sent a courier by other means: the order is dispatched, and no second one comes.',
  },
  cancel: {
    label: 'Cancel the order',
    does: 'Withdraws the dispatch and cancels the order. This cannot be taken back.',
    isDrastic: true,
  },
  keep: {
    label: 'Keep as it is',
    does: 'Leaves both databases as they are; it is not brought up again.',
  },
  withdraw: {
    label: 'Withdraw the courier',
    does: 'Takes the dispatch back that nobody needs.',
    isDrastic: true,
  },
  restart: {
    label: 'Restart the order',
    does: 'Starts its workflow again, which asks for a courier.',
  },
  calledOff: {
    label: 'Courier called off',
    does: 'The courier turns back: the order is cancelled.',
  },
  tooLate: { label: 'Too late', does: 'The courier delivers: the order stays dispatched.' },
};

/** An escalation reason in words. */
export function reasonWord(reason: string): Word {
  return REASONS[reason] ?? { text: reason, tone: 'calm' };
}

/** A status in words. */
export function statusWord(status: string): Word {
  return STATUSES[status] ?? { text: status, tone: 'calm' };
}

/** A decision in words. */
export function decisionWord(decision: string): { label: string; does: string; isDrastic?: true } {
  return DECISIONS[decision] ?? { label: decision, does: '' };
}

/** "1 task", "2 tasks". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** `restaurantClosed` as `restaurant closed`. */
export function spaced(name: string): string {
  return name.replace(
    /([a-z])([A-Z])/g,
    (_all, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
}
