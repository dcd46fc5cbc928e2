import { z } from 'zod';
import { InvalidPolicy } from './errors';
import { describeIssues } from './describe-issues';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** How hard an order is tried, field by field. */
const policySchema = z.strictObject({
  /** How long the quick path waits for the acknowledgement, in ms; 0 goes the durable path at once. @default 1000 */
  quickWindowMs: z.int().min(0).max(3_000),
  /** How long an attempt waits for the acknowledgement, in ms from the broker's confirm. @default 30000 */
  acknowledgementTimeoutMs: z.int().min(100).max(DAY_MS),
  /** Attempts per request ID, and how many rejections with `retryAfterMs` are followed. @default 5 */
  maximumAttempts: z.int().min(1).max(1_000),
  /** Pause before the second attempt, in ms. @default 2000 */
  initialIntervalMs: z.int().min(1).max(DAY_MS),
  /** Factor between one pause and the next. @default 2 */
  backoffCoefficient: z.number().min(1).max(10),
  /** Longest pause between attempts, in ms. @default 60000 */
  maximumIntervalMs: z.int().min(1).max(DAY_MS),
  /** How long the order may take to be dispatched, in ms, outages included. @default 2700000 (45 minutes) */
  dispatchWithinMs: z
    .int()
    .min(100)
    .max(30 * DAY_MS),
  /** What a rejection without `retryAfterMs` does. @default 'cancel' */
  onRejection: z.enum(['cancel', 'escalate']),
  /** How long a human task may wait until others are told that it is due, in ms. @default 180000 (3 minutes) */
  taskDueMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS),
  /** The same, until it is overdue, in ms. @default 600000 (10 minutes) */
  taskOverdueMs: z
    .int()
    .min(0)
    .max(30 * DAY_MS),
});

const overridesSchema = policySchema.partial();

/** The schema of what an order overrides. By a function: what is exported is frozen in workflows, and zod writes to its schemas. */
export function policyOverridesSchema(): typeof overridesSchema {
  return overridesSchema;
}

/** How hard an order is tried. */
export type Policy = z.infer<typeof policySchema>;

/** The fields of the policy that an order overrides. */
export type PolicyOverrides = { [Field in keyof Policy]?: Policy[Field] | undefined };

/** The policy where neither the worker nor the order says otherwise. */
export const DEFAULT_POLICY: Policy = {
  quickWindowMs: 1_000,
  acknowledgementTimeoutMs: 30_000,
  maximumAttempts: 5,
  initialIntervalMs: 2_000,
  backoffCoefficient: 2,
  maximumIntervalMs: MINUTE_MS,
  dispatchWithinMs: 45 * MINUTE_MS,
  onRejection: 'cancel',
  taskDueMs: 3 * MINUTE_MS,
  taskOverdueMs: 10 * MINUTE_MS,
};

/**
 * Parses overrides of the policy. Unknown fields are refused.
 *
 * @throws {@link InvalidPolicy} that names each bad field.
 */
export function parsePolicyOverrides(input: unknown): PolicyOverrides {
  const parsed = overridesSchema.safeParse(input);
  if (!parsed.success) throw new InvalidPolicy(describeIssues(parsed.error, 'policy'));
  return parsed.data;
}

/** What an order's copy says of its policy: the fields that are known here and hold, whatever else it has. */
export function readPolicy(carried: Record<string, unknown>): PolicyOverrides {
  const fields = Object.entries(policySchema.shape).filter(
    ([field, schema]) => schema.safeParse(carried[field]).success,
  );
  return Object.fromEntries(fields.map(([field]) => [field, carried[field]]));
}

/** The policy that applies: the order's overrides over the worker's defaults. */
export function effectivePolicy(defaults: Policy, overrides: PolicyOverrides = {}): Policy {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as Partial<Policy>) };
}
