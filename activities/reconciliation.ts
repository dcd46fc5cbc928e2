import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import { findWorkflowFacts } from '../temporal/order-workflows';
import { restartDispatchOrder, startReconcileOrder } from '../temporal/start-workflows';
import { findAnswersFor, findOrder } from '../database/orders/read-order';
import { insertAudit } from '../database/orders/audit';
import { closeTaskRow, openTaskRow } from '../database/orders/human-tasks';
import { findKeptFactsOf, insertRepair } from '../database/orders/repairs';
import { OrderNotFound } from '../domain/errors';
import { parseOrder } from '../domain/order';
import { readPolicy } from '../domain/policy';
import type { DispatchOrderInput } from '../domain/workflow-contract';
import type { Resolution } from '../domain/resolution';
import type {
  FindingTask,
  LoadedOrder,
  OrderCopy,
  OrderSideFacts,
  ReconciliationAct,
  Repair,
} from '../domain/reconciliation';
import type { ReconcileOrderInput } from '../domain/workflow-contract';
import type { ActivityDependencies } from './dependencies';

/** The activities of `reconcileOrder` and `cancelOrder` on this side of the message queue. */
export function createReconciliationActivities(dependencies: ActivityDependencies) {
  const { database, temporal } = dependencies;

  return {
    /** Reads an order whole. Fails for good where there is no such order. */
    async loadOrder({ orderId }: { orderId: string }): Promise<LoadedOrder> {
      const found = await findOrder(database, orderId);
      if (!found) throw new OrderNotFound(orderId);
      const { order, state, policy } = found;
      const progress = { order: state, policy, ...(await findAnswersFor(database, state)) };
      return { order, progress };
    },

    /** What the order database and Temporal say of an order. */
    async findOrderSideFacts({ orderId }: { orderId: string }): Promise<OrderSideFacts> {
      const [found, kept, workflow] = await Promise.all([
        findOrder(database, orderId),
        findKeptFactsOf(database, [orderId]),
        findWorkflowFacts(temporal, orderId),
      ]);
      const keptFacts = kept.get(orderId);
      return {
        ...(found && { order: found.facts, policy: found.policy }),
        ...(keptFacts && { kept: keptFacts }),
        workflow,
      };
    },

    /** Starts `dispatchOrder` again: with the row's order, or with the copy where the row is lost. */
    async restartDispatch(input: { orderId: string; copy?: OrderCopy }): Promise<void> {
      const found = await findOrder(database, input.orderId);
      if (found?.state.erasedAt) {
        throw ApplicationFailure.nonRetryable('the order was erased: nothing can start it again');
      }
      const start = found ? { order: found.order } : startFrom(input.orderId, input.copy);
      await restartDispatchOrder(temporal, start);
    },

    /** Has the order looked at, once its own workflow has ended. */
    reconcile: (input: ReconcileOrderInput): Promise<void> => startReconcileOrder(temporal, input),

    /** Records what a reconciliation did; a repeat of the activity changes nothing. */
    recordRepair: (repair: Repair): Promise<void> => insertRepair(database, repair, ownRunId()),

    /** Records that a person had an order reconciled; a repeat of the activity changes nothing. */
    recordReconciliation: ({ orderId, actor, via = 'sdk' }: ReconciliationAct): Promise<void> =>
      insertAudit(database, { act: 'reconcile', actor, via, orderId, runId: ownRunId() }),

    /** Lists the human task that this workflow opens about a finding. */
    openFindingTask: ({ orderId, openedAt, dueAt, overdueAt }: FindingTask): Promise<void> =>
      openTaskRow(database, {
        taskId: ownWorkflowId(),
        orderId,
        kind: 'discrepancy',
        escalationReason: 'discrepancy',
        openedAt: new Date(openedAt),
        dueAt: new Date(dueAt),
        overdueAt: new Date(overdueAt),
      }),

    /** Takes it off the list, with who decided it, where somebody did. */
    closeFindingTask: (input: { openedAt: string; resolution?: Resolution }): Promise<void> => {
      const { openedAt, resolution } = input;
      return closeTaskRow(
        database,
        { taskId: ownWorkflowId(), openedAt: new Date(openedAt) },
        resolution && { ...resolution, via: resolution.via ?? 'temporal' },
      );
    },
  };
}

function ownWorkflowId(): string {
  return activityInfo().workflowExecution?.workflowId ?? '';
}

/** Names this execution of the activity, whichever attempt it is. */
function ownRunId(): string {
  const { workflowExecution, activityId } = activityInfo();
  return `${workflowExecution?.runId}/${activityId}`;
}

function startFrom(orderId: string, copy: OrderCopy | undefined): DispatchOrderInput {
  if (!copy) throw new OrderNotFound(orderId);
  const { order, requestNumber, policy } = copy;
  return {
    order: parseOrder(order),
    requestNumber,
    ...(policy && { policy: readPolicy(policy) }),
  };
}
