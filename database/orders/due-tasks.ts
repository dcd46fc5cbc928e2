import { prismaOf, type OrdersDatabase } from './connection';
import { isoTime } from './iso-time';

/**
 * Writes an event of each open task that is due, and another of each that is overdue; one of a task that is
 * both by now. Each is told once, however many processes ask, and not while it is snoozed.
 *
 * @param limit how many tasks at most.
 * @returns how many were told.
 */
export function tellDueTasks(
  database: OrdersDatabase,
  { limit }: { limit: number },
): Promise<number> {
  return prismaOf(database).$executeRaw`
    WITH due AS (
      SELECT task_id, opened_at FROM human_tasks
      WHERE closed_at IS NULL AND told_overdue_at IS NULL
        AND GREATEST(CASE WHEN told_due_at IS NULL THEN due_at ELSE overdue_at END, snoozed_until)
          <= now()
      ORDER BY GREATEST(CASE WHEN told_due_at IS NULL THEN due_at ELSE overdue_at END, snoozed_until)
      LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), told AS (
      UPDATE human_tasks t SET told_due_at = COALESCE(t.told_due_at, now()),
        told_overdue_at = CASE WHEN t.overdue_at <= now() THEN now() END
      FROM due WHERE t.task_id = due.task_id AND t.opened_at = due.opened_at
      RETURNING t.*
    )
    INSERT INTO outcome_events (subject, type, body)
    SELECT COALESCE(order_id, task_id), 'human-task.due.v1', jsonb_strip_nulls(jsonb_build_object(
      'taskId', task_id, 'orderId', order_id, 'kind', kind, 'escalationReason', escalation_reason,
      'openedAt', ${isoTime('opened_at')}, 'dueAt', ${isoTime('due_at')},
      'overdue', told_overdue_at IS NOT NULL))
    FROM told`;
}
