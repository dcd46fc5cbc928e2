import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionStatusName,
} from '@temporalio/client';
import {
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';
import type { WorkflowFacts } from '../domain/verdict';

/** The IDs of all workflows that an order can have: its dispatch, a later cancellation, its reconciliation. */
export function workflowIdsOf(orderId: string): string[] {
  return [dispatchOrderWorkflowId, cancelOrderWorkflowId, reconcileOrderWorkflowId].map((idOf) =>
    idOf(orderId),
  );
}

/** Whether a workflow owns the order: its dispatch, or a later cancellation. */
export async function findWorkflowFacts(temporal: Client, orderId: string): Promise<WorkflowFacts> {
  const dispatch = toFacts(await findWorkflowStatus(temporal, dispatchOrderWorkflowId(orderId)));
  if (dispatch === 'running') return dispatch;
  const cancellation = toFacts(await findWorkflowStatus(temporal, cancelOrderWorkflowId(orderId)));
  return cancellation === 'none' ? dispatch : cancellation;
}

function toFacts(status: WorkflowExecutionStatusName | undefined): WorkflowFacts {
  if (status === undefined) return 'none';
  // A paused workflow goes on some day: it still owns its order.
  return status === 'RUNNING' || status === 'PAUSED' ? 'running' : 'ended';
}

/** A workflow's status; `undefined` where there is no such workflow. */
export async function findWorkflowStatus(
  temporal: Client,
  workflowId: string,
): Promise<WorkflowExecutionStatusName | undefined> {
  const description = await ifFound(() => temporal.workflow.getHandle(workflowId).describe());
  return description?.status.name;
}

/** Signals a workflow. @returns whether it runs; where it does not, nothing was done. */
export async function signalIfRunning(
  temporal: Client,
  given: { workflowId: string; signal: string; argument: unknown },
): Promise<boolean> {
  const { workflowId, signal, argument } = given;
  const sent = await ifFound(async () => {
    await temporal.workflow.getHandle(workflowId).signal(signal, argument);
    return true;
  });
  return sent ?? false;
}

/** Asks about a workflow; `undefined` where Temporal knows none, or, of what needs one, none that runs. */
export async function ifFound<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
