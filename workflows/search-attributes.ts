import { upsertSearchAttributes } from '@temporalio/workflow';
import type { EscalationReason, OrderStatus } from '../domain/status';
import { SEARCH_ATTRIBUTES } from '../domain/temporal-names';

/** Makes a human task findable, in one event. */
export function listTask(task: {
  status: OrderStatus | undefined;
  escalationReason: EscalationReason;
  escalatedAt: Date;
}): void {
  upsertSearchAttributes([
    { key: STATUS, value: task.status ?? null },
    { key: REASON, value: task.escalationReason },
    { key: ESCALATED_AT, value: task.escalatedAt },
  ]);
}

/** Takes a closed human task off every list. */
export function unlistTask(): void {
  upsertSearchAttributes([
    { key: STATUS, value: null },
    { key: REASON, value: null },
    { key: ESCALATED_AT, value: null },
  ]);
}

const keyOf = <Name extends keyof typeof SEARCH_ATTRIBUTES>(name: Name) => ({
  name,
  type: SEARCH_ATTRIBUTES[name],
});

const STATUS = keyOf('OrderDispatchStatus');
const REASON = keyOf('OrderEscalationReason');
const ESCALATED_AT = keyOf('OrderEscalatedAt');
