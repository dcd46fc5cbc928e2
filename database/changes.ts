/** That an order's row changed. */
export interface Change {
  orderId: string;
  /** ISO 8601 in microseconds, as PostgreSQL counts: a cursor that is cut would meet a row again. */
  changedAt: string;
}

/** One step of a walk over changes, by the time of the change and then by order ID. */
export interface ChangesPage {
  /** The last change of the step before. */
  after: Change;
  until: Date;
  limit: number;
}

/** Before the first change from then on. */
export function changesFrom(from: Date): Change {
  return { changedAt: from.toISOString(), orderId: '' };
}

/** PostgreSQL's `to_char` format of {@link Change.changedAt}, for a timestamp in UTC. */
export const CHANGED_AT_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';
