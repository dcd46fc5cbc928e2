/** Heartbeat details of a request that is out. */
export interface RequestDetails {
  requestId: string;
  /** When the broker confirmed it, ISO 8601. */
  confirmedAt: string;
  /** What a later attempt waits for. */
  waitsFor?: 'broker' | 'database';
}

/** What a request's activity left that a worker's shutdown ended, for the one that goes on. */
export interface Interruption {
  /** Attempts that were used up. */
  attempts: number;
  details: Partial<RequestDetails>;
}

/** The type of the failure that carries an {@link Interruption}. */
export const INTERRUPTED = 'Interrupted';

/** Of a request that nothing interrupted yet. */
export const NOT_INTERRUPTED: Interruption = { attempts: 0, details: {} };
