import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../domain/temporal-names';
import type { WorkflowFacts } from '../domain/verdict';

/** Whether a workflow owns the order: its dispatch, or a later cancellation. */
export async function findWorkflowFacts(temporal: Client, orderId: string): Promise<WorkflowFacts> {
  const dispatch = await look(temporal, dispatchOrderWorkflowId(orderId));
  if (dispatch === 'running') return dispatch;
  const cancellation = await look(temporal, cancelOrderWorkflowId(orderId));
  return cancellation === 'none' ? dispatch : cancellation;
}

async function look(temporal: Client, workflowId: string): Promise<WorkflowFacts> {
  try {
    const { status } = await temporal.workflow.getHandle(workflowId).describe();
    // A paused workflow goes on some day: it still owns its order.
    return status.name === 'RUNNING' || status.name === 'PAUSED' ? 'running' : 'ended';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'none';
    throw error;
  }
}
