import { translated } from '../client/translate-error';
import type { OrderStatusView } from '../domain/workflow-contract';
import { QUERIES } from '../domain/temporal-names';
import { ifFound, workflowIdsOf } from '../temporal/order-workflows';
import type { OperatorSession } from './operator-session';

/** An open human task about an order. */
export interface OpenTask {
  /** The ID of the workflow that waits. */
  taskId: string;
  /** What it takes. */
  humanTask: NonNullable<OrderStatusView['humanTask']>;
}

/** How long a worker may take to answer, in ms. */
export const QUERY_TIMEOUT_MS = 10_000;

/**
 * Finds the open human tasks about an order: its own, and a finding's.
 *
 * @param workflowIds those that are asked. @default all that the order can have
 * @returns `undefined` where Temporal knows none of them.
 * @throws DispatchUnavailable where Temporal cannot be reached or no worker answers.
 */
export async function findOpenTasks(
  session: Pick<OperatorSession, 'temporal'>,
  orderId: string,
  workflowIds: readonly string[] = workflowIdsOf(orderId),
): Promise<OpenTask[] | undefined> {
  const found = await Promise.all(workflowIds.map((id) => findOpenTask(session, id, orderId)));
  const known = found.filter((task) => task !== undefined);
  return known.length === 0 ? undefined : known.filter((task) => task !== null);
}

/** Null where the workflow has none open, `undefined` where there is no such workflow. */
function findOpenTask(
  { temporal }: Pick<OperatorSession, 'temporal'>,
  taskId: string,
  orderId: string,
): Promise<OpenTask | null | undefined> {
  const workflow = temporal.workflow.getHandle(taskId);
  return translated(orderId, () =>
    temporal.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      ifFound(async () => {
        if ((await workflow.describe()).status.name !== 'RUNNING') return null;
        const { humanTask } = await workflow.query<Pick<OrderStatusView, 'humanTask'>>(
          QUERIES.status,
        );
        return humanTask ? { taskId, humanTask } : null;
      }),
    ),
  );
}
