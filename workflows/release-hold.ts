import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { HoldActivities } from '../activities';
import type { ReleaseHoldInput, ReleaseResult } from '../domain/hold';
import { TASK_QUEUES } from '../domain/temporal-names';

const { releaseCanary, releaseHeld } = proxyActivities<HoldActivities>({
  taskQueue: TASK_QUEUES.main,
  startToCloseTimeout: '2h',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/**
 * Releases what a hold has kept at home: first a few orders, and where the dispatch system answers
 * them, all others, no faster than was asked for. The rows say who waits, so any step may run twice.
 */
export async function releaseHold(input: ReleaseHoldInput): Promise<ReleaseResult> {
  const { holdId, ratePerSecond, canary, canaryWithinMs } = input;
  let { released = 0 } = input;
  if (canary > 0) {
    const first = await releaseCanary({ holdId, canary, canaryWithinMs });
    released += first.released;
    const { unanswered } = first;
    if (unanswered.length > 0) return { state: 'canaryFailed', released, unanswered };
  }
  for (;;) {
    const batch = await releaseHeld({ holdId, ratePerSecond });
    released += batch.released;
    if (batch.isHeldAgain) return { state: 'heldAgain', released };
    if (batch.isDone) return { state: 'released', released };
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof releaseHold>({ ...input, canary: 0, released });
    }
  }
}
