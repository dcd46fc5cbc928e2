import { prismaOf, type OrdersDatabase } from './connection';

/** What a person on shift looks at, and that changes. */
export const WATCHED = [
  'tasks',
  'orders',
  'bulk',
  'deadLetters',
  'health',
  'hold',
  'repairs',
  'audit',
] as const;

/** One of {@link WATCHED}. */
export type Watched = (typeof WATCHED)[number];

/** A word for each, which is another one once something of it has changed. */
export type ChangeMarks = Readonly<Record<Watched, string>>;

/** Reads the marks, in one statement that looks at the ends of indexes and at what is open. */
export async function readChangeMarks(database: OrdersDatabase): Promise<ChangeMarks> {
  const [marks] = await prismaOf(database).$queryRaw<ChangeMarks[]>`
    WITH audited AS (SELECT COALESCE(max(id), 0) AS last FROM audit)
    SELECT
      (SELECT concat_ws('/', count(*), extract(epoch FROM max(opened_at)),
          extract(epoch FROM max(claimed_until)), extract(epoch FROM max(snoozed_until)))
        FROM human_tasks WHERE closed_at IS NULL) || '/' || last AS tasks,
      COALESCE((SELECT extract(epoch FROM max(updated_at)) FROM orders)::text, '') AS orders,
      (SELECT concat_ws('/', max(id), count(*) FILTER (WHERE state = 'running')) FROM bulk_runs)
        || '/' || (SELECT count(*) FROM bulk_rows JOIN bulk_runs b ON b.id = bulk_id
          WHERE b.state = 'running' AND bulk_rows.state <> 'pending') AS bulk,
      (SELECT concat_ws('/', (SELECT max(id) FROM dead_letters), count(*))
        FROM dead_letters WHERE state = 'open') AS "deadLetters",
      COALESCE((SELECT max(id) FROM health_reports)::text, '') AS health,
      (SELECT concat_ws('/', max(id), extract(epoch FROM max(ended_at))) FROM holds)
        || '/' || (SELECT count(*) FROM held_orders WHERE told_at IS NULL) AS hold,
      COALESCE((SELECT max(id) FROM repairs)::text, '') AS repairs,
      last::text AS audit
    FROM audited`;
  if (!marks) throw new Error('an aggregate has a row');
  return marks;
}
