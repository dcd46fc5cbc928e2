import { translateError } from '../client/translate-error';
import { OrderNotFound, ResolutionRefused } from '../domain/errors';
import type { OrderStatusView } from '../domain/workflow-contract';
import { QUERIES, orderIdOfWorkflow } from '../domain/temporal-names';
import { ifFound, workflowIdsOf } from '../temporal/order-workflows';
import type { OperatorSession } from './operator-session';

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

/**
 * Reads an open human task: of a task ID that one, of an order ID the one that is open about it, be it
 * the order's own or a finding's.
 *
 * @throws {@link OrderNotFound}; {@link ResolutionRefused} where no human task is open;
 * DispatchUnavailable where Temporal cannot be reached or no worker answers.
 */
export async function readHumanTask(
  session: OperatorSession,
  orderOrTaskId: string,
): Promise<HumanTaskDetails> {
  const orderId = orderIdOfWorkflow(orderOrTaskId) ?? orderOrTaskId;
  const candidates = orderId === orderOrTaskId ? workflowIdsOf(orderId) : [orderOrTaskId];
  let isKnown = false;
  for (const taskId of candidates) {
    const status = await openStatusOf(session, taskId, orderId);
    isKnown ||= status !== 'unknown';
    if (status === 'unknown' || status === 'closed' || !status.humanTask) continue;
    const details = await readCurrentDetails(session, taskId, orderId);
    return { taskId, orderId, details, humanTask: status.humanTask };
  }
  if (!isKnown) throw new OrderNotFound(orderId);
  throw new ResolutionRefused(`no human task is open about order ${orderId}`);
}

async function openStatusOf(
  { temporal }: OperatorSession,
  taskId: string,
  orderId: string,
): Promise<Pick<OrderStatusView, 'humanTask'> | 'closed' | 'unknown'> {
  const workflow = temporal.workflow.getHandle(taskId);
  try {
    const status = await temporal.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      ifFound(async () =>
        (await workflow.describe()).status.name === 'RUNNING'
          ? workflow.query<Pick<OrderStatusView, 'humanTask'>>(QUERIES.status)
          : 'closed',
      ),
    );
    return status ?? 'unknown';
  } catch (error) {
    throw translateError(error, orderId);
  }
}

async function readCurrentDetails(
  { temporal }: OperatorSession,
  taskId: string,
  orderId: string,
): Promise<string> {
  try {
    const metadata = await temporal.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      temporal.workflow.getHandle(taskId).query<{ currentDetails?: string }>(METADATA_QUERY),
    );
    return metadata.currentDetails ?? '';
  } catch (error) {
    throw translateError(error, orderId);
  }
}
