/**
 * Whose fault a failure is: of what the service stands on (a database, Temporal, the broker), so that
 * the same may well succeed later; of the message, or what else was asked for; or of either.
 */
export type Fault = 'infrastructure' | 'message' | 'unclear';
