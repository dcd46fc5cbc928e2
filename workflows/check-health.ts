import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SupplementActivities, SweepCounts } from '../domain/reconciliation';
import { TASK_QUEUES } from '../domain/temporal-names';

/** One look at the service's health; a schedule starts it each minute. The next one looks anew, so it is not repeated for long. */
export async function checkHealth(): Promise<{ critical: number; warning: number }> {
  const activities = proxyActivities<Pick<SupplementActivities, 'checkHealth'>>({
    taskQueue: TASK_QUEUES.supplement,
    startToCloseTimeout: '40s',
    scheduleToCloseTimeout: '55s',
    retry: { initialInterval: '2s', backoffCoefficient: 2 },
  });
  return activities.checkHealth();
}

/** How long a row must have been left alone, in ms: what changes just now has its own way. */
const SETTLED_MS = 10 * 60_000;

/** What is looked at again of the window before, in ms: rows that were not settled then, and a run that was missed. */
const WINDOW_MS = 3 * 60 * 60_000;

/** One sweep of what changed in the last hours; a schedule starts it each hour, and windows overlap. */
export async function sweepOrders(): Promise<SweepCounts> {
  const now = workflowInfo().startTime.getTime();
  const activities = proxyActivities<Pick<SupplementActivities, 'sweepOrders'>>({
    taskQueue: TASK_QUEUES.supplement,
    startToCloseTimeout: '50m',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
  });
  return activities.sweepOrders({
    from: new Date(now - WINDOW_MS).toISOString(),
    until: new Date(now - SETTLED_MS).toISOString(),
  });
}
