import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { describeTaskQueue } from './task-queue';

/** Nothing is ever on this task queue. */
const TASK_QUEUE = 'order-dispatch-clock';

/** For how long somebody polls it, in ms: Temporal refuses a shorter poll. */
const POLL_MS = 3_000;

/**
 * How far Temporal's clock is ahead of ours, in ms; right to within two round trips. No call tells its
 * time, but it remembers when somebody polled a task queue: we poll one of our own, and ask when that was.
 *
 * @throws where Temporal refuses, or remembers no poll.
 */
export async function temporalClockAheadMs(
  connection: Connection,
  namespace: string,
): Promise<number> {
  const { workflowService } = connection;
  const identity = `clock-${randomUUID()}`;
  const asked = Date.now();
  const over = new AbortController();
  const polled = connection
    .withDeadline(asked + POLL_MS, () =>
      connection.withAbortSignal(over.signal, () =>
        workflowService.pollWorkflowTaskQueue({
          namespace,
          taskQueue: { name: TASK_QUEUE },
          identity,
        }),
      ),
    )
    .catch((error: unknown) => error);
  try {
    while (Date.now() < asked + POLL_MS) {
      const queue = { namespace, taskQueue: TASK_QUEUE };
      const { pollers } = await describeTaskQueue(connection, queue, 'workflow');
      const answered = Date.now();
      const at = pollers?.find((poller) => poller.identity === identity)?.lastAccessTime;
      if (at) {
        const itsMs = Number(at.seconds) * 1_000 + (at.nanos ?? 0) / 1e6;
        return Math.round(itsMs - (asked + answered) / 2);
      }
      await sleep(20);
    }
  } finally {
    over.abort();
  }
  const refusal = await polled;
  throw refusal instanceof Error ? refusal : new Error('Temporal remembers no poll');
}
