import { PLACEHOLDERS } from '../domain/placeholders';

// What a person fills in, in the commands that are printed. Run unchanged, they are refused.

/** Who acts, and why. */
export const BY_SOMEBODY = `--actor "${PLACEHOLDERS.actor}" --note "${PLACEHOLDERS.note}"`;

/** The courier that somebody found. */
export const COURIER = `--courier ${PLACEHOLDERS.courierId}`;
