import { z } from 'zod';
import { InvalidConfiguration } from '../domain/errors';
import { describeIssues } from '../domain/describe-issues';
import {
  DEFAULT_RETENTION,
  LONGEST_RETENTION_DAYS,
  RETENTION_RULES,
  type RetainedTable,
  type Retention,
} from './prune-retention';

/** The fewest days that a table's rows must be kept, by the rules and the other retentions. */
function leastDays(table: RetainedTable, retention: Retention): number {
  const least = RETENTION_RULES.filter((rule) => rule.table === table).map(
    ({ than, days }) => (than ? retention[than] : 0) + days,
  );
  return Math.max(1, ...least);
}

const days = z
  .int({ error: 'must be a whole number of days' })
  .min(1, 'must be at least 1 day')
  .max(LONGEST_RETENTION_DAYS, `must be at most ${LONGEST_RETENTION_DAYS} days`);

const tables = Object.keys(DEFAULT_RETENTION) as RetainedTable[];

const retentionSchema = z
  .strictObject(
    Object.fromEntries(tables.map((table) => [table, days.optional()])) as Record<
      RetainedTable,
      z.ZodOptional<typeof days>
    >,
  )
  .transform((given): Retention => {
    const retention: Record<RetainedTable, number> = { ...DEFAULT_RETENTION };
    for (const table of tables) {
      // A default gives way to what depends on it; what somebody typed does not.
      retention[table] = given[table] ?? Math.max(retention[table], leastDays(table, retention));
    }
    return retention;
  })
  .superRefine((retention, context) => {
    for (const { table, than, days: more, because } of RETENTION_RULES) {
      const least = (than ? retention[than] : 0) + more;
      if (retention[table] >= least) continue;
      const measure = than
        ? `retention.${than} (${retention[than]} days)${more > 0 ? ` + ${more} days` : ''}`
        : `${more} days`;
      const message = `${retention[table]} days are fewer than ${measure}: ${because}`;
      context.addIssue({ code: 'custom', path: [table], message });
    }
  });

/**
 * Parses retentions, in days. What is not given is the default, or longer where what is given needs it.
 *
 * @throws {@link InvalidConfiguration} that names what is too short, what it must not be shorter
 * than, and why: `retention.inbox: 100 days are fewer than retention.orders (90 days) + 30 days: ...`
 */
export function parseRetention(input: Readonly<Partial<Record<RetainedTable, number>>>): Retention {
  const parsed = retentionSchema.safeParse(input);
  if (!parsed.success) {
    throw new InvalidConfiguration(describeIssues(parsed.error, 'retention'));
  }
  return parsed.data;
}
