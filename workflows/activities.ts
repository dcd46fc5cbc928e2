import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { MainActivities, RequestActivities } from '../activities';
import type { Interruption } from '../domain/interruption';
import type { Policy } from '../domain/policy';
import type { SupplementActivities } from '../domain/reconciliation';
import { TASK_QUEUES } from '../domain/temporal-names';

/**
 * The quick path. One attempt: whatever it could not do, the durable path does. The time is the
 * window's maximum of 3 s and what the database may take.
 */
export const { submitOrder } = proxyLocalActivities<Pick<MainActivities, 'submitOrder'>>({
  startToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
});

/**
 * What is short, and tried until it is done: a worker that stands still makes time out even what does no I/O.
 * The policy of an order that could not be submitted, and the row of one whose workflow is gone.
 */
export const { policyFor, readOrderRow } = proxyLocalActivities<
  Pick<MainActivities, 'policyFor' | 'readOrderRow'>
>({
  startToCloseTimeout: '5s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '2s' },
});

/** The changes of an order's status: each is tried until the database has taken it. */
export const {
  escalate,
  startNextRequest,
  cancelRejected,
  startCancellation,
  applyResolution,
  escalateWithdrawal,
  escalateCallOff,
  retryWithdrawal,
  settleWithdrawal,
  loadOrder,
  findOrderSideFacts,
  restartDispatch,
  recordRepair,
  recordReconciliation,
  openFindingTask,
  closeFindingTask,
  reconcile,
} = proxyActivities<MainActivities>({
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/**
 * The durable path's activities. The heartbeat timeout is the acknowledgement timeout; the policy's
 * retries are the server's; nothing outlasts the deadline, outages included.
 */
export function requestActivities(
  policy: Policy,
  deadline: Date,
  { attempts }: Interruption,
): RequestActivities {
  return proxyActivities<RequestActivities>({
    taskQueue: TASK_QUEUES.requests,
    heartbeatTimeout: policy.acknowledgementTimeoutMs,
    scheduleToCloseTimeout: Math.max(1, deadline.getTime() - Date.now()),
    retry: {
      initialInterval: policy.initialIntervalMs,
      backoffCoefficient: policy.backoffCoefficient,
      // Temporal refuses a longest pause below the first.
      maximumInterval: Math.max(policy.maximumIntervalMs, policy.initialIntervalMs),
      maximumAttempts: policy.maximumAttempts - attempts,
    },
    // Nobody hears a cancellation of an attempt that only waits.
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** What only the supplement system can do; while it is away, whoever needs it waits. */
export const { findDispatch } = proxyActivities<SupplementActivities>({
  taskQueue: TASK_QUEUES.supplement,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});
