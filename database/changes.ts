/** That an order's row changed. */
export interface Change {
  orderId: string;
  /** Since 1970, as PostgreSQL counts: a cursor that is cut would meet a row again. */
  changedAtMicroseconds: bigint;
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
  return { changedAtMicroseconds: BigInt(from.getTime()) * 1_000n, orderId: '' };
}
