import type { Client } from '@temporalio/client';
import type { DispatchOrderInput } from '../domain/workflow-contract';
import type { CancelOrderInput, ReconcileOrderInput } from '../domain/workflow-contract';
import type { OrderStatusView, ReadOrderInput } from '../domain/workflow-contract';
import {
  MEMO_CONTENT_HASH,
  SIGNALS,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  readOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';

/**
 * How long a workflow task may take, in ms: so long an order waits whose worker died in the quick
 * path. The quick window and what the database may take fit into it.
 */
const WORKFLOW_TASK_TIMEOUT_MS = 5_000;

/** Leads who looks at a workflow in the Web UI to where a human task is described; nothing personal. */
const SUMMARY = 'If this waits for a person: User Metadata says what happened and what to decide';

const SHARED = {
  taskQueue: TASK_QUEUES.main,
  workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
  staticSummary: SUMMARY,
};

/**
 * Starts the workflow that dispatches an order.
 *
 * @throws WorkflowExecutionAlreadyStartedError where it runs, or has ended otherwise than failed: a
 * failed start (a conflict, say) does not keep the ID, a finished order does.
 */
export async function startDispatchOrder(
  temporal: Client,
  input: DispatchOrderInput,
  options: { contentHash: string; workflowTaskTimeoutMs?: number; requestEagerStart: boolean },
): Promise<void> {
  const { contentHash, workflowTaskTimeoutMs, requestEagerStart } = options;
  await temporal.workflow.start(WORKFLOW_TYPES.dispatchOrder, {
    ...SHARED,
    ...(workflowTaskTimeoutMs !== undefined && { workflowTaskTimeout: workflowTaskTimeoutMs }),
    workflowId: dispatchOrderWorkflowId(input.order.orderId),
    args: [input],
    memo: { [MEMO_CONTENT_HASH]: contentHash },
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'FAIL',
    requestEagerStart,
  });
}

/** Starts an order's dispatch again, whatever became of it before: the row decides what is done. */
export async function restartDispatchOrder(
  temporal: Client,
  input: DispatchOrderInput,
): Promise<void> {
  await temporal.workflow.start(WORKFLOW_TYPES.dispatchOrder, {
    ...SHARED,
    workflowId: dispatchOrderWorkflowId(input.order.orderId),
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}

/** Starts a cancellation after the dispatch has ended, or joins the one that runs. */
export async function startCancelOrder(temporal: Client, input: CancelOrderInput): Promise<void> {
  await temporal.workflow.start(WORKFLOW_TYPES.cancelOrder, {
    ...SHARED,
    workflowId: cancelOrderWorkflowId(input.orderId),
    args: [input],
    // A cancellation that came too late may be asked for again.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}

/** Has an order reconciled. Where that is under way already, it takes this finding next. */
export async function startReconcileOrder(
  temporal: Client,
  input: ReconcileOrderInput,
): Promise<void> {
  await temporal.workflow.signalWithStart(WORKFLOW_TYPES.reconcileOrder, {
    ...SHARED,
    workflowId: reconcileOrderWorkflowId(input.orderId),
    args: [input],
    signal: SIGNALS.found,
    signalArgs: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
}

/** How long a worker may take to read an order's row, its outages included. */
const READ_ORDER_TIMEOUT = '1 minute';

/**
 * Has a worker read where an order stands by its row: for an order whose own workflow is gone. Nothing is
 * changed by it.
 *
 * @throws WorkflowFailedError of the type `OrderNotFound` where there is no such row.
 */
export async function readOrderByWorkflow(
  temporal: Client,
  input: ReadOrderInput,
): Promise<OrderStatusView> {
  const handle = await temporal.workflow.start(WORKFLOW_TYPES.readOrder, {
    taskQueue: TASK_QUEUES.main,
    workflowId: readOrderWorkflowId(input.orderId),
    args: [input],
    workflowExecutionTimeout: READ_ORDER_TIMEOUT,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return (await handle.result()) as OrderStatusView;
}
