import { z } from 'zod';
import { typedText } from '../../domain/act';
import { ORDER_ID_PATTERN, ORDER_ID_RULE } from '../../domain/order-id';
import { problemSchema } from '../problem';

/** What no database of ours stores, and nobody types. */
const STORABLE = /^[^\p{Cc}\p{Cs}]*$/u;

/** Text of a query that is looked for as it is. */
export const text = (maximum: number) =>
  z.string().min(1).max(maximum).regex(STORABLE, 'has a character that nothing of ours has');

/** An order ID. */
export const orderId = z.string().regex(ORDER_ID_PATTERN, ORDER_ID_RULE);

/** A task ID, such as `dispatch-order/o-1`. */
export const taskId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be a task ID');

/** The ID of a row that counts up, as text. */
export const decimalId = z.string().regex(/^(0|[1-9]\d{0,17})$/, 'must be a decimal number');

/** The number of a bulk run. */
export const bulkId = z.coerce.number().int().min(1).max(2_147_483_647);

/** Why somebody does what they do; others read it. */
export const note = typedText(2_000).regex(STORABLE, 'has a character that nothing of ours has');

/** A time, ISO 8601. */
export const time = z.iso
  .datetime({ offset: true })
  .refine((iso) => /^(19[789]|2)\d/.test(iso), 'must be after 1970')
  .transform((iso) => new Date(iso));

/** How many rows a page has. */
export const limit = (byDefault: number, maximum = 1_000) =>
  z.coerce.number().int().min(1).max(maximum).default(byDefault);

/** How many are handled per second. */
export const ratePerSecond = z.number().min(0.1).max(1_000);

/** A time of ours, as it is answered. */
export const at = z.date();

/** With what the next page begins; null where this is the last one. */
export const next = z.string().nullable();

/** The fields of a body that is only a note. */
export const noteBody = z.strictObject({ note });

/** Why there is no 2xx. */
const problem = { 'application/problem+json': { schema: problemSchema } };

/** The answers of a route: those that are given, and problems. */
export function answers<Given extends Record<number, z.ZodType>>(given: Given) {
  return {
    ...given,
    '4xx': { description: 'The request, or whoever sent it, is refused.', content: problem },
    '5xx': { description: 'It failed; a 503 is safe to repeat.', content: problem },
  };
}

/** An answer without a body. */
export const nothing = z.undefined().describe('Done.');
