import type { Client } from '@temporalio/client';
import { TASK_QUEUES } from '../domain/temporal-names';

/** Temporal's numbers for the sides of a task queue (`temporal.api.enums.v1.TaskQueueType`). */
const SIDES = { workflow: 1, activity: 2 } as const;

interface TaskQueue {
  namespace: string;
  taskQueue: string;
}

/** What Temporal says of one side of a task queue. */
export function describeTaskQueue(
  temporal: Pick<Client, 'workflowService'>,
  { namespace, taskQueue }: TaskQueue,
  side: keyof typeof SIDES,
  more: { reportStats?: boolean } = {},
): ReturnType<Client['workflowService']['describeTaskQueue']> {
  return temporal.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enum is in a package that we do not depend on
    taskQueueType: SIDES[side],
    ...more,
  });
}

/** About how many workflow tasks wait until any worker takes them; those on sticky queues are not seen. */
export async function workflowTaskBacklog(temporal: Client, namespace: string): Promise<number> {
  const queue = { namespace, taskQueue: TASK_QUEUES.main };
  const { stats } = await describeTaskQueue(temporal, queue, 'workflow', { reportStats: true });
  return Number(stats?.approximateBacklogCount ?? 0);
}

/** How many pollers a task queue has had in the last minutes, for workflow tasks or for activities. */
export async function pollersOf(temporal: Client, queue: TaskQueue): Promise<number> {
  const sides = await Promise.all([
    describeTaskQueue(temporal, queue, 'workflow'),
    describeTaskQueue(temporal, queue, 'activity'),
  ]);
  return Math.max(...sides.map(({ pollers }) => pollers?.length ?? 0));
}
