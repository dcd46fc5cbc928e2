/**
 * The fields that a viewer never gets, by their name, wherever they are: what is the customer's, and what
 * people or messages say in words of their own, which may be about a customer.
 */
const PERSONAL_FIELDS: ReadonlySet<string> = new Set([
  'customerId',
  'deliveryAddress',
  'note',
  'notes',
  'details',
  'detail',
  'decisionNote',
  'abortNote',
  'content',
  'contentEncoding',
  'headers',
  'properties',
]);

/** The same value without them. */
export function withoutPersonal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPersonal);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !PERSONAL_FIELDS.has(name))
      .map(([name, field]) => [name, withoutPersonal(field)]),
  );
}
