import { z } from 'zod';
import { CURRENCIES } from './currencies';
import { InvalidOrder } from './errors';
import { describeIssues } from './describe-issues';
import { findNotJson } from './not-json';
import { ORDER_ID_PATTERN, ORDER_ID_RULE } from './order-id';

/** Largest order, as UTF-8 bytes of its JSON; with its envelope it stays within a message's 64 KiB. */
const ORDER_MAX_BYTES = 60 * 1024;

/** Largest `details`, as UTF-8 bytes of its JSON. */
const DETAILS_MAX_BYTES = 32 * 1024;

/** An order ID. */
export const orderIdSchema = z.string().regex(ORDER_ID_PATTERN, ORDER_ID_RULE);

const text = (maximum: number) => z.string().min(1).max(maximum);

/** Any JSON. Where it is none, the place is named: zod's own would only say that something is wrong. */
const details = z.custom<z.core.util.JSONType>().superRefine((value, context) => {
  const found = findNotJson(value);
  if (found) context.addIssue({ code: 'custom', path: found.path, message: found.why });
});

/** Whether an order's total is a number that JavaScript, and JSON, can hold exactly. */
function isTotalSafe(items: readonly { quantity: number; unitPriceMinor: number }[]): boolean {
  const total = items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0);
  return total <= Number.MAX_SAFE_INTEGER;
}

const NO_CURRENCY = 'must be an ISO 4217 code such as EUR';

/** What an order looks like wherever it is carried: in the SDK, the CLI, the database and messages. */
const orderSchema = z.strictObject({
  orderId: orderIdSchema,
  customerId: text(128),
  restaurantId: text(128),
  deliveryAddress: z.strictObject({
    line: text(500),
    city: text(200),
    postcode: text(32),
  }),
  items: z
    .array(
      z.strictObject({
        sku: text(128),
        quantity: z.int().min(1).max(10_000),
        /** Price of one, in the currency's minor unit (cents). */
        unitPriceMinor: z.int().min(0),
      }),
    )
    .min(1)
    .max(500),
  /** ISO 4217 code. */
  currency: z.string().regex(/^[A-Z]{3}$/, NO_CURRENCY),
  placedAt: z.iso.datetime({ offset: true }),
  note: z.string().max(2_000).optional(),
  /** Any JSON of the caller's, carried unchanged. */
  details: details.optional(),
});

/**
 * What only a new order must be: those under way were taken by older rules, and go on. {@link parseNewOrder}
 * looks at its size, too.
 */
export const newOrderSchema = orderSchema.extend({
  items: orderSchema.shape.items.refine(isTotalSafe, 'the total price is above 2^53 - 1'),
  currency: z.string().refine((code) => CURRENCIES.includes(code), NO_CURRENCY),
});

/** An order: what the customer bought. */
export type Order = z.infer<typeof orderSchema>;

/**
 * Parses what a caller or a person wants to place. Unknown fields are refused.
 *
 * @throws {@link InvalidOrder} that names each bad field, never its value (it may be personal).
 */
export function parseNewOrder(input: unknown): Order {
  return parse(newOrderSchema, input);
}

/**
 * Parses an order as it is carried. Unknown fields are refused.
 *
 * @throws {@link InvalidOrder} that names each bad field, never its value (it may be personal).
 */
export function parseOrder(input: unknown): Order {
  return parse(orderSchema, input);
}

function parse(schema: z.ZodType<Order>, input: unknown): Order {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new InvalidOrder(describeIssues(parsed.error, 'order'));
  const unstorable = findUnstorable(parsed.data, 'order');
  if (unstorable) {
    throw new InvalidOrder(
      `${unstorable}: has a character that no database stores (U+0000 or half a pair)`,
    );
  }
  refuseOversize('order.details', parsed.data.details, DETAILS_MAX_BYTES);
  refuseOversize('order', parsed.data, ORDER_MAX_BYTES);
  return parsed.data;
}

function refuseOversize(field: string, value: unknown, maximumBytes: number): void {
  const bytes = value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > maximumBytes) {
    throw new InvalidOrder(
      `${field}: is ${bytes} bytes of JSON, at most ${maximumBytes} are allowed`,
    );
  }
}

/** The first field whose text, or whose key, JSON can carry but PostgreSQL's jsonb cannot store. */
function findUnstorable(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, field] of Object.entries(value)) {
    if (!isStorable(key)) return path;
    const name = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const found = findUnstorable(field, name);
    if (found) return found;
  }
  return undefined;
}

function isStorable(text: string): boolean {
  return !text.includes('\u0000') && !LONE_SURROGATE.test(text);
}

const LONE_SURROGATE = /\p{Surrogate}/u;
