/** Temporal's names, each once: whoever speaks to a workflow or a task queue takes them from here. */

/** `main` runs the workflows; `requests` has slots of its own, since its activities may wait long. */
export const TASK_QUEUES = {
  main: 'order-dispatch',
  requests: 'order-dispatch-requests',
} as const;

/** Workflow types: the names that the Web UI and `temporal workflow start --type` show. */
export const WORKFLOW_TYPES = { dispatchOrder: 'dispatchOrder' } as const;

/** The ID of the workflow that dispatches an order. */
export function dispatchOrderWorkflowId(orderId: string): string {
  return `dispatch-order/${orderId}`;
}

/** Signals. `resolve` is for people, `acknowledged` for the acknowledgement consumer. */
export const SIGNALS = { acknowledged: 'acknowledged', resolve: 'resolve' } as const;

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
