import type { Client } from '@temporalio/client';
import type { ReconcileOrderInput } from '../domain/reconciliation';
import {
  SIGNALS,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';

/** Has an order reconciled. Where that is under way already, it takes this finding next. */
export async function startReconciliation(
  temporal: Client,
  input: ReconcileOrderInput,
): Promise<void> {
  await temporal.workflow.signalWithStart(WORKFLOW_TYPES.reconcileOrder, {
    workflowId: reconcileOrderWorkflowId(input.orderId),
    taskQueue: TASK_QUEUES.main,
    args: [input],
    signal: SIGNALS.found,
    signalArgs: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
}
