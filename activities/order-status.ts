import { activityInfo } from '@temporalio/activity';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  applyResolution,
  cancelRejected,
  escalate,
  escalateCallOff,
  escalateWithdrawal,
  retryWithdrawal,
  settleWithdrawal,
  startCancellation,
  startNextRequest,
} from '../database/orders/change-order';
import { readOrderState } from '../database/orders/read-order';
import { defined } from '../domain/defined';
import type { ReadOrderInput } from '../domain/workflow-contract';
import { crashPoint } from '../runtime/crash-point';
import type { ActivityDependencies } from './dependencies';

/**
 * One activity per change of an order's status: each a compare-and-set that returns the row as it
 * is, so that the workflow goes on from there whoever made the change. Times are ISO 8601, taken from
 * the workflow, so that a repeat writes the same.
 */
export function createStatusActivities({ database }: Pick<ActivityDependencies, 'database'>) {
  const on =
    <Input, Order>(change: (database: OrdersDatabase, input: Input) => Promise<Order>) =>
    (input: Input) =>
      change(database, input);
  /** Opens a human task of the workflow that asks for it. */
  const opening =
    <Input, Order>(
      change: (database: OrdersDatabase, input: Input & { taskId?: string }) => Promise<Order>,
    ) =>
    (input: Input) =>
      change(database, {
        ...input,
        ...defined({ taskId: activityInfo().workflowExecution?.workflowId }),
      });
  return {
    /** The row as it is; fails for good where there is none. */
    readOrderRow: ({ orderId }: ReadOrderInput) => readOrderState(database, orderId),
    escalate: opening(escalate),
    startNextRequest: on(startNextRequest),
    cancelRejected: on(cancelRejected),
    startCancellation: on(async (orders, input: Parameters<typeof startCancellation>[1]) => {
      const order = await startCancellation(orders, input);
      crashPoint('compensation.afterFirstStep');
      return order;
    }),
    applyResolution: on(applyResolution),
    escalateWithdrawal: opening(escalateWithdrawal),
    escalateCallOff: opening(escalateCallOff),
    retryWithdrawal: on(retryWithdrawal),
    settleWithdrawal: on((orders, input: Parameters<typeof settleWithdrawal>[1]) => {
      crashPoint('compensation.beforeLastStep');
      return settleWithdrawal(orders, input);
    }),
  };
}
