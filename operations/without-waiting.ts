import { WorkflowNotFoundError } from '@temporalio/client';
import { translateError, translated } from '../client/translate-error';
import type { Via } from '../domain/act';
import type { CancelRequest, Resolution } from '../domain/resolution';
import { UPDATES, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { startCancelOrder, startReconcileOrder } from '../temporal/start-workflows';
import type { OperatorSession } from './operator-session';

// What a person asks for without waiting for its end: returns when it is taken down, and will be done.

/** How long a worker may take to accept an update, in ms. */
const ACCEPT_TIMEOUT_MS = 10_000;

/** Has an order cancelled: by its workflow while it runs, else by one of the cancellation's own. */
export async function startCancellation(
  session: OperatorSession,
  orderId: string,
  request: CancelRequest,
): Promise<void> {
  const workflowId = dispatchOrderWorkflowId(orderId);
  try {
    await sendUpdate(session, { workflowId, update: UPDATES.cancel, argument: request });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw translateError(error, orderId);
    await translated(orderId, () => startCancelOrder(session.temporal, { orderId, request }));
  }
}

/** Has a human task resolved. */
export async function startResolution(
  session: OperatorSession,
  taskId: string,
  resolution: Resolution,
): Promise<void> {
  await translated(taskId, () =>
    sendUpdate(session, { workflowId: taskId, update: UPDATES.resolve, argument: resolution }),
  );
}

/** Has an order reconciled. */
export async function startReconciliation(
  { temporal }: Pick<OperatorSession, 'temporal'>,
  orderId: string,
  { actor, via }: { actor: string; via: Via },
): Promise<void> {
  await translated(orderId, () =>
    temporal.withDeadline(Date.now() + ACCEPT_TIMEOUT_MS, () =>
      startReconcileOrder(temporal, {
        orderId,
        trigger: 'person',
        provenance: `person ${actor}`,
        via,
      }),
    ),
  );
}

function sendUpdate(
  { temporal }: OperatorSession,
  { workflowId, update, argument }: { workflowId: string; update: string; argument: unknown },
): Promise<unknown> {
  return temporal.withDeadline(Date.now() + ACCEPT_TIMEOUT_MS, () =>
    temporal.workflow
      .getHandle(workflowId)
      .startUpdate(update, { args: [argument], waitForStage: 'ACCEPTED' }),
  );
}
