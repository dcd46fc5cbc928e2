import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { BulkActivities } from '../activities';
import type { ResolveTasksInput, ResolveTasksResult } from '../domain/bulk';
import { TASK_QUEUES } from '../domain/temporal-names';

const { resolveBatch } = proxyActivities<BulkActivities>({
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '30m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/**
 * Resolves the human tasks of a bulk run, batch by batch. The rows say which of them wait and whether
 * the run goes on at all, so any step may run twice.
 */
export async function resolveTasks(input: ResolveTasksInput): Promise<ResolveTasksResult> {
  for (;;) {
    const { state } = await resolveBatch(input);
    if (state !== 'running') return { state };
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof resolveTasks>(input);
  }
}
