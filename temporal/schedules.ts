import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { HEALTH_CHECK_EVERY_MS } from '../domain/health';
import { SCHEDULES, TASK_QUEUES, WORKFLOW_TYPES } from '../domain/temporal-names';

/** Everything that runs by the clock. */
const OPTIONS: readonly ScheduleOptions[] = [
  schedule(SCHEDULES.checkHealth, WORKFLOW_TYPES.checkHealth, HEALTH_CHECK_EVERY_MS),
  schedule(SCHEDULES.sweepOrders, WORKFLOW_TYPES.sweepOrders, 60 * 60_000),
];

function schedule(scheduleId: string, workflowType: string, everyMs: number): ScheduleOptions {
  return {
    scheduleId,
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId: scheduleId,
      taskQueue: TASK_QUEUES.main,
      args: [],
    },
    // A run that was missed is not made up for: the next one looks at the same.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  };
}

/**
 * Creates the schedules, or brings them up to date; one that is paused stays so. Safe to repeat.
 *
 * @returns the IDs of those that are new.
 */
export async function ensureSchedules(temporal: Client): Promise<string[]> {
  const created: string[] = [];
  for (const options of OPTIONS) {
    const { scheduleId, spec, action, policies } = options;
    try {
      await temporal.schedule.create(options);
      created.push(scheduleId);
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await temporal.schedule
        .getHandle(scheduleId)
        .update(({ state }) => ({ spec, action, policies: { ...policies }, state }));
    }
  }
  return created;
}

/** The schedules that a namespace lacks, or has paused. */
export async function missingSchedules(temporal: Client): Promise<string[]> {
  const found = new Set<string>();
  for await (const { scheduleId, state } of temporal.schedule.list()) {
    if (!state.paused) found.add(scheduleId);
  }
  return Object.values(SCHEDULES).filter((scheduleId) => !found.has(scheduleId));
}
