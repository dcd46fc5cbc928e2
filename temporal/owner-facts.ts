import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { optionalTsToMs } from '@temporalio/common/lib/time';
import { defined } from '../domain/defined';
import type { RequestDetails } from '../domain/interruption';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../domain/temporal-names';
import type { OwnerFacts, PendingAttempt } from '../domain/why-facts';
import { ifFound } from './order-workflows';

/** `PENDING_ACTIVITY_STATE_SCHEDULED` and `PENDING_WORKFLOW_TASK_STATE_SCHEDULED`: nobody has begun. */
const SCHEDULED: ReadonlySet<unknown> = new Set([1]);

/** `PENDING_ACTIVITY_STATE_CANCEL_REQUESTED`: its answer came, and nobody waits for it any more. */
const CALLED_OFF: ReadonlySet<unknown> = new Set([3]);

/** How long a task may be on its way to a worker until it is said to wait for one, in ms. */
const ON_ITS_WAY_MS = 1_000;

/** The activities whose attempts an order waits for. */
const KINDS: Readonly<Record<string, PendingAttempt['kind']>> = {
  requestDispatch: 'request',
  requestWithdrawal: 'withdrawal',
};

type Description = Pick<WorkflowExecutionDescription, 'status' | 'historyLength' | 'raw'>;
type PendingActivity = NonNullable<Description['raw']['pendingActivities']>[number];

/**
 * What Temporal says of the workflow that owns an order: its dispatch, or a later cancellation. No worker
 * is needed for it.
 */
export async function readOwnerFacts(temporal: Client, orderId: string): Promise<OwnerFacts> {
  const describe = (workflowId: string) =>
    ifFound(() => temporal.workflow.getHandle(workflowId).describe());
  const [dispatch, cancellation] = await Promise.all([
    describe(dispatchOrderWorkflowId(orderId)),
    describe(cancelOrderWorkflowId(orderId)),
  ]);
  const owner = dispatch && isRunning(dispatch) ? dispatch : (cancellation ?? dispatch);
  if (!owner) return { state: 'gone' };
  if (!isRunning(owner)) return { state: 'ended', endedAs: owner.status.name };
  const pending = owner.raw.pendingActivities?.find(
    ({ activityType, state }) =>
      Object.hasOwn(KINDS, activityType?.name ?? '') && !CALLED_OFF.has(state),
  );
  return {
    state: 'running',
    ...(pending && { attempt: await attemptOf(temporal, pending) }),
    ...taskFacts(owner),
  };
}

/** A paused workflow goes on some day. */
function isRunning({ status }: Description): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

function taskFacts({
  raw,
  historyLength,
}: Description): Pick<OwnerFacts, 'quickPathSince' | 'withoutWorkerSince'> {
  const task = raw.pendingWorkflowTask;
  if (!task) return {};
  if (SCHEDULED.has(task.state)) {
    const since = iso(task.originalScheduledTime ?? task.scheduledTime);
    if (since === undefined || Date.now() - Date.parse(since) < ON_ITS_WAY_MS) return {};
    return { withoutWorkerSince: since };
  }
  // Started, scheduled, started: the quick path is within the first task.
  return historyLength <= 3 ? defined({ quickPathSince: iso(task.startedTime) }) : {};
}

async function attemptOf(temporal: Client, pending: PendingActivity): Promise<PendingAttempt> {
  const { attempt: number, maximumAttempts: of, activityType, lastFailure } = pending;
  const isBegun = !SCHEDULED.has(pending.state);
  const startedAt = isBegun ? iso(pending.lastStartedTime) : undefined;
  const heartbeatAt = iso(pending.lastHeartbeatTime);
  const [details] = (await decodeArrayFromPayloads(
    temporal.options.loadedDataConverter,
    pending.heartbeatDetails?.payloads,
  )) as [Partial<RequestDetails>?];
  // Until an attempt tells of itself, the server shows what the one before it left.
  const isOwn = startedAt !== undefined && heartbeatAt !== undefined && heartbeatAt >= startedAt;
  const own = isOwn ? { confirmedAt: details?.confirmedAt, waitsFor: details?.waitsFor } : {};
  return {
    kind: KINDS[activityType?.name ?? ''] ?? 'request',
    number: number ?? 1,
    of: of ?? 1,
    ...defined({
      ...own,
      startedAt,
      scheduledAt: isBegun ? undefined : iso(pending.scheduledTime),
      endsAt: iso(pending.expirationTime),
      lastFailure: lastFailure?.applicationFailureInfo ? (lastFailure.message ?? '') : undefined,
    }),
  };
}

function iso(time: Parameters<typeof optionalTsToMs>[0]): string | undefined {
  const ms = optionalTsToMs(time);
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
