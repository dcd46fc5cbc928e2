import { WorkflowNotFoundError } from '@temporalio/client';
import { translateError } from '../client/translate-error';
import { findHumanTask, type FoundHumanTask } from '../database/orders/human-tasks';
import { ResolutionRefused } from '../domain/errors';
import type { OrderState } from '../domain/order-state';
import { parseResolution, type Resolution } from '../domain/resolution';
import { UPDATES, orderIdOfWorkflow } from '../domain/temporal-names';
import { withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import type { OperatorSession } from './operator-session';
import { waitWithin, type Waited } from './within';

/** Which task is resolved, and how; of a workflow that has several, one after the other, that one. */
export interface TaskResolution {
  taskId: string;
  resolution: Resolution & { openedAt: string };
  /** How long to wait until the decision is carried out, in ms. */
  waitMs: number;
}

/**
 * Resolves a human task, and waits a while until the decision is carried out; it is also without us.
 *
 * @returns the order as the decision left it; null for a finding.
 * @throws {@link ResolutionRefused} that says who was first, and when, and why else nothing was changed;
 * DispatchUnavailable where Temporal cannot be reached.
 */
export async function resolveTask(
  session: Pick<OperatorSession, 'temporal' | 'connection'>,
  urls: OperatorDatabaseUrls,
  { taskId, resolution, waitMs }: TaskResolution,
): Promise<Waited<OrderState | null>> {
  const parsed = parseResolution(resolution);
  const { connection, temporal } = session;
  try {
    return await waitWithin(
      (over) =>
        connection.withAbortSignal(over, async () => {
          const order = await temporal.workflow
            .getHandle(taskId)
            .executeUpdate<OrderState | null | undefined, [Resolution]>(UPDATES.resolve, {
              args: [parsed],
            });
          return order ?? null;
        }),
      { waitMs },
    );
  } catch (error) {
    const refusal =
      error instanceof WorkflowNotFoundError
        ? new ResolutionRefused(`no human task is open: ${taskId} does not run`)
        : translateError(error, orderIdOfWorkflow(taskId));
    if (!(refusal instanceof ResolutionRefused)) throw refusal;
    const openedAt = new Date(resolution.openedAt);
    const task = await withOperatorDatabases(urls, ({ orders }) =>
      findHumanTask(orders, { taskId, openedAt }),
    );
    throw task?.end ? new ResolutionRefused(whoWasFirst(task.end)) : refusal;
  }
}

function whoWasFirst(end: NonNullable<FoundHumanTask['end']>): string {
  const { closedBy, closedAt, decision, actor } = end;
  const at = closedAt.toISOString();
  if (closedBy === 'person') return `${actor} was first: ${decision}, at ${at}`;
  return closedBy === 'answer'
    ? `an answer of the dispatch system was first, at ${at}`
    : `a cancellation was first, at ${at}`;
}
