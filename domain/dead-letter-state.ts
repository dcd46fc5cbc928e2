/** What has become of a dead letter. Only an `open` one can be replayed or discarded. */
export const DEAD_LETTER_STATES = ['open', 'replayed', 'discarded'] as const;

/** What has become of a dead letter. */
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];
