import { translated } from '../client/translate-error';
import { OrderNotFound, ResolutionRefused } from '../domain/errors';
import { orderIdOfWorkflow, reconcileOrderWorkflowId } from '../domain/temporal-names';
import { QUERY_TIMEOUT_MS, findOpenTasks, type OpenTask } from './open-tasks';
import type { OperatorSession } from './operator-session';

/** An open human task, with all that one needs to decide. */
export interface HumanTaskDetails extends OpenTask {
  orderId: string;
  /** What happened and what one can do: the Markdown that the Web UI shows as current details. */
  details: string;
}

/** Every workflow of the SDK answers this query; its result is `temporal.api.sdk.v1.WorkflowMetadata`. */
const METADATA_QUERY = '__temporal_workflow_metadata';

/**
 * Reads the open human tasks: of a task ID that one, of an order ID all that are open about it, the
 * order's own first, then a finding's.
 *
 * @throws {@link OrderNotFound}; {@link ResolutionRefused} where no human task is open;
 * DispatchUnavailable where Temporal cannot be reached or no worker answers.
 */
export async function readHumanTasks(
  session: OperatorSession,
  orderOrTaskId: string,
): Promise<[HumanTaskDetails, ...HumanTaskDetails[]]> {
  const orderId = orderIdOfWorkflow(orderOrTaskId) ?? orderOrTaskId;
  const tasks = await findOpenTasks(
    session,
    orderId,
    orderId === orderOrTaskId ? undefined : [orderOrTaskId],
  );
  if (!tasks && orderOrTaskId === reconcileOrderWorkflowId(orderId)) {
    throw new ResolutionRefused(`there is no finding about order ${orderId}: check the task ID`);
  }
  if (!tasks) throw new OrderNotFound(orderId);
  const [first, ...more] = await Promise.all(
    tasks.map(async (task) => ({
      ...task,
      orderId,
      details: await readCurrentDetails(session, task.taskId, orderId),
    })),
  );
  if (first) return [first, ...more];
  throw new ResolutionRefused(
    orderOrTaskId === reconcileOrderWorkflowId(orderId)
      ? `no human task is open: no finding about order ${orderId} waits for a person`
      : `no human task is open about order ${orderId}`,
  );
}

function readCurrentDetails(
  { temporal }: OperatorSession,
  taskId: string,
  orderId: string,
): Promise<string> {
  return translated(orderId, async () => {
    const metadata = await temporal.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      temporal.workflow.getHandle(taskId).query<{ currentDetails?: string }>(METADATA_QUERY),
    );
    return metadata.currentDetails ?? '';
  });
}
