import { ResolutionRefused } from '../domain/errors';
import type { OrderStatusView } from '../domain/order-state';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { translateError } from '../client/errors';
import type { OperatorSession } from './connect';

/** An open human task, with all that one needs to decide. */
export interface HumanTaskDetails {
  taskId: string;
  orderId: string;
  /** What happened and what one can do: the Markdown that the Web UI shows as current details. */
  details: string;
  /** What the task takes. */
  humanTask: NonNullable<OrderStatusView['humanTask']>;
}

/** Every workflow of the SDK answers this query; its result is `temporal.api.sdk.v1.WorkflowMetadata`. */
const METADATA_QUERY = '__temporal_workflow_metadata';

/** How long a worker may take to answer, in ms. */
const QUERY_TIMEOUT_MS = 10_000;

/** The order of a task ID (its workflow ID) or of an order ID. */
export function orderIdOfTask(orderOrTaskId: string): string {
  const prefix = dispatchOrderWorkflowId('');
  return orderOrTaskId.startsWith(prefix) ? orderOrTaskId.slice(prefix.length) : orderOrTaskId;
}

/**
 * Reads an order's open human task.
 *
 * @throws OrderNotFound; {@link ResolutionRefused} where no human task is open;
 * DispatchUnavailable where Temporal cannot be reached or no worker answers.
 */
export async function readHumanTask(
  session: OperatorSession,
  orderId: string,
): Promise<HumanTaskDetails> {
  const { humanTask, status } = await session.orders.getOrder(orderId).status();
  if (!humanTask)
    throw new ResolutionRefused(`no human task is open: order ${orderId} is ${status}`);
  const taskId = dispatchOrderWorkflowId(orderId);
  return { taskId, orderId, details: await readCurrentDetails(session, orderId), humanTask };
}

async function readCurrentDetails(session: OperatorSession, orderId: string): Promise<string> {
  const { temporal } = session;
  const workflow = temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  try {
    const metadata = await temporal.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      workflow.query<{ currentDetails?: string }>(METADATA_QUERY),
    );
    return metadata.currentDetails ?? '';
  } catch (error) {
    throw translateError(error, orderId);
  }
}
