import type { Client } from '@temporalio/client';
import type { ReconcileOrderInput } from '../domain/reconciliation';
import { TASK_QUEUES, WORKFLOW_TYPES, reconcileOrderWorkflowId } from '../domain/temporal-names';

/** Has an order reconciled; where that is under way already, joins it. */
export async function startReconciliation(
  temporal: Client,
  input: ReconcileOrderInput,
): Promise<void> {
  await temporal.workflow.start(WORKFLOW_TYPES.reconcileOrder, {
    workflowId: reconcileOrderWorkflowId(input.orderId),
    taskQueue: TASK_QUEUES.main,
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}
