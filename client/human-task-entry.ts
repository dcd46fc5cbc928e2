import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { EscalationReason } from '../domain/status';
import { SEARCH_ATTRIBUTES, orderIdOfWorkflow } from '../domain/temporal-names';

/** A human task that is open. */
export interface HumanTaskEntry {
  /** The ID of the workflow that waits. */
  taskId: string;
  /** The order that it is about. */
  orderId?: string;
  escalationReason: EscalationReason;
  /** Since when it waits. */
  escalatedAt: Date;
}

/** Reads a human task from what Temporal lists. */
export function toHumanTask(execution: WorkflowExecutionInfo): HumanTaskEntry {
  const { workflowId, typedSearchAttributes } = execution;
  const attribute = <Name extends keyof typeof SEARCH_ATTRIBUTES>(name: Name) =>
    typedSearchAttributes.get({ name, type: SEARCH_ATTRIBUTES[name] });
  const orderId = orderIdOfWorkflow(workflowId);
  return {
    taskId: workflowId,
    ...(orderId && { orderId }),
    escalationReason: attribute('OrderEscalationReason') as EscalationReason,
    escalatedAt: attribute('OrderEscalatedAt') ?? execution.startTime,
  };
}
