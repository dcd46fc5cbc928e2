/** Temporal's names, each once: whoever speaks to a workflow or a task queue takes them from here. */

/** `main` runs the workflows; `requests` has slots of its own, since its activities may wait long. */
export const TASK_QUEUES = {
  main: 'order-dispatch',
  requests: 'order-dispatch-requests',
  /** Activities that read the dispatch database, in the supplement system. */
  supplement: 'order-dispatch-supplement',
} as const;

/** The worker deployment that versions of the worker belong to, where nobody names another. */
export const WORKER_DEPLOYMENT = 'order-dispatch';

/** Workflow types: the names that the Web UI and `temporal workflow start --type` show. */
export const WORKFLOW_TYPES = {
  dispatchOrder: 'dispatchOrder',
  cancelOrder: 'cancelOrder',
  reconcileOrder: 'reconcileOrder',
  readOrder: 'readOrder',
  checkHealth: 'checkHealth',
  sweepOrders: 'sweepOrders',
  releaseHold: 'releaseHold',
  resolveTasks: 'resolveTasks',
} as const;

/** Temporal Schedules, and the workflows that they start. */
export const SCHEDULES = {
  checkHealth: 'order-dispatch-check-health',
  sweepOrders: 'order-dispatch-sweep-orders',
} as const;

/** The ID of the workflow that dispatches an order. */
export function dispatchOrderWorkflowId(orderId: string): string {
  return `dispatch-order/${orderId}`;
}

/** The ID of the workflow that cancels an order after its dispatch. */
export function cancelOrderWorkflowId(orderId: string): string {
  return `cancel-order/${orderId}`;
}

/** The ID of the workflow that settles what the databases disagree about. */
export function reconcileOrderWorkflowId(orderId: string): string {
  return `reconcile-order/${orderId}`;
}

/** The ID of the workflow that releases what a hold has kept at home. */
export function releaseHoldWorkflowId(holdId: number): string {
  return `release-hold/${holdId}`;
}

/** The ID of the workflow that reads the row of an order whose own workflow is gone. */
export function readOrderWorkflowId(orderId: string): string {
  return `read-order/${orderId}`;
}

/** The ID of the workflow that resolves the human tasks of a bulk run. */
export function resolveTasksWorkflowId(bulkId: number): string {
  return `resolve-tasks/${bulkId}`;
}

/** The order that a workflow of ours is about, by its ID; `undefined` for any other workflow. */
export function orderIdOfWorkflow(workflowId: string): string | undefined {
  return /^(?:dispatch|cancel|reconcile)-order\/(.+)$/.exec(workflowId)?.[1];
}

/**
 * Signals. `resolve` is for people, `acknowledged` for the acknowledgement consumer,
 * `requestDeadLettered` for whoever drains the dead letters.
 */
export const SIGNALS = {
  acknowledged: 'acknowledged',
  resolve: 'resolve',
  requestDeadLettered: 'requestDeadLettered',
  /** Brings a finding to `reconcileOrder`, also to one that is busy with another. */
  found: 'found',
  /** Tells `dispatchOrder` that no hold keeps its request at home any more. */
  released: 'released',
} as const;

/** Updates. Both are validated before they enter the history. */
export const UPDATES = { resolve: 'resolve', cancel: 'cancel' } as const;

/** Queries. */
export const QUERIES = { status: 'status' } as const;

/** Where the start of a workflow keeps the order's content hash. */
export const MEMO_CONTENT_HASH = 'contentHash';

/**
 * Search attributes and their types. They are set while a human task is open and cleared when it
 * closes, so an order that meets no trouble pays nothing for them.
 */
export const SEARCH_ATTRIBUTES = {
  OrderDispatchStatus: 'KEYWORD',
  OrderEscalationReason: 'KEYWORD',
  OrderEscalatedAt: 'DATETIME',
} as const;

/** The visibility query that finds every open human task. */
export const OPEN_HUMAN_TASKS_QUERY =
  "OrderEscalationReason IS NOT NULL AND ExecutionStatus = 'Running'";

/** The visibility query that finds every open human task about a finding. */
export const OPEN_FINDING_TASKS_QUERY =
  "OrderEscalationReason = 'discrepancy' AND ExecutionStatus = 'Running'";
