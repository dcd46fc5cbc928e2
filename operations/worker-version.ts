import { setTimeout as pause } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { InvalidConfiguration } from '../domain/errors';
import {
  findWorkerDeployment,
  isVersionUnknown,
  type WorkerDeployment,
} from '../temporal/worker-deployment';
import type { OperatorSession } from './operator-session';

export type { WorkerDeployment };

/** A version of the worker, and how much it gets. */
export interface WorkerVersionChange {
  deployment: string;
  buildId: string;
  /** Percent of the orders, the rest to the current version; 0 ends a ramp. @default all of them */
  ramp?: number;
  /** How long its workers may take to be seen on all task queues, in ms. @default 10,000 */
  withinMs?: number;
}

/** How long one call may take: it tells every task queue, and answers when all know, in ms. */
const CALL_TIMEOUT_MS = 30_000;

const LOOK_EVERY_MS = 200;

type Session = Pick<OperatorSession, 'temporal' | 'namespace'>;

/**
 * Makes a version of the worker the current one, or gives it a share of the orders. Safe to repeat.
 * Orders that are under way move with their next task; which of them a ramp takes goes by their IDs, so
 * that an order goes to the same version each time.
 *
 * @throws InvalidConfiguration where no worker of this version is seen in time, or on some task queue;
 * nothing was changed then.
 */
export async function setWorkerVersion(
  session: Session,
  change: WorkerVersionChange,
): Promise<WorkerDeployment> {
  const { temporal, namespace } = session;
  const { deployment, buildId, ramp } = change;
  const before = await findSeen(session, change);
  if (ramp !== undefined && ramp > 0 && before.currentBuildId === buildId) {
    throw new InvalidConfiguration(`build ID ${buildId} is current: it gets all orders already`);
  }
  const routed = { namespace, deploymentName: deployment };
  await untilSeen(change, () =>
    temporal.withDeadline(Date.now() + CALL_TIMEOUT_MS, async () => {
      const service = temporal.workflowService;
      const rampTo = (to: string, percentage: number) =>
        service.setWorkerDeploymentRampingVersion({ ...routed, buildId: to, percentage });
      if (ramp === undefined) {
        await service.setWorkerDeploymentCurrentVersion({ ...routed, buildId });
        // Of another version: without its share this one would not get all.
        if (before.ramp && before.ramp.buildId !== buildId) await rampTo('', 0);
      } else if (ramp > 0) {
        await rampTo(buildId, ramp);
      } else if (before.ramp?.buildId === buildId) {
        await rampTo('', 0);
      }
    }),
  );
  return (await readWorkerDeployment(session, deployment)) ?? before;
}

/** Which versions there are, and which of them get orders; `undefined` where none was ever seen. */
export function readWorkerDeployment(
  { temporal, namespace }: Session,
  deployment: string,
): Promise<WorkerDeployment | undefined> {
  return findWorkerDeployment(temporal, { namespace, deployment });
}

/**
 * The deployment, once a worker of the version has polled: a call about one that is not known takes the
 * server seconds.
 */
async function findSeen(session: Session, change: WorkerVersionChange): Promise<WorkerDeployment> {
  return untilSeen(change, async () => {
    const found = await readWorkerDeployment(session, change.deployment);
    if (found?.versions.some(({ buildId }) => buildId === change.buildId)) return found;
    throw notSeen(change, 'no worker of it has polled');
  });
}

/** Workers poll a moment after they start: tries until the server knows of them, or the time is over. */
async function untilSeen<Result>(
  change: WorkerVersionChange,
  work: () => Promise<Result>,
): Promise<Result> {
  const deadline = Date.now() + (change.withinMs ?? 10_000);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isKnown = !(error instanceof InvalidConfiguration) && !isVersionUnknown(error);
      if (isKnown) throw error;
      if (Date.now() > deadline) {
        throw error instanceof InvalidConfiguration
          ? error
          : notSeen(change, 'Temporal refuses it', error);
      }
      await pause(LOOK_EVERY_MS);
    }
  }
}

function notSeen(change: WorkerVersionChange, what: string, cause?: unknown): InvalidConfiguration {
  const why = isGrpcServiceError(cause) && cause.details !== '' ? `: ${cause.details}` : '';
  return new InvalidConfiguration(
    `build ID ${change.buildId} of worker deployment ${change.deployment}: ${what}${why}; start its workers first, with TEMPORAL_WORKER_BUILD_ID=${change.buildId}`,
    { cause },
  );
}
