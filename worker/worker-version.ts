import type { WorkerDeploymentOptions } from '@temporalio/worker';
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import {
  BUILD_ID,
  BUILD_ID_RULE,
  DEPLOYMENT_NAME,
  DEPLOYMENT_NAME_RULE,
} from '../domain/worker-version';
import type { Logger } from '../runtime/logger';
import type { WorkerVersion } from '../runtime/worker-version';
import { findWorkerDeployment } from '../temporal/worker-deployment';

/** What may be given as a version. */
export const workerVersionOption = z.strictObject({
  deployment: z.string().regex(DEPLOYMENT_NAME, { error: DEPLOYMENT_NAME_RULE }).optional(),
  buildId: z.string().regex(BUILD_ID, { error: BUILD_ID_RULE }).optional(),
});

/**
 * What Temporal is told of a worker's version. All workflows move on to the version that is current with
 * their next task: they follow the order's row, and each release replays the histories of those before
 * it. None is pinned, since an order may wait for days, and would then be lost without its workers.
 */
export function workerDeploymentOptions(version: Required<WorkerVersion>): WorkerDeploymentOptions {
  return {
    version: { deploymentName: version.deployment, buildId: version.buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  };
}

/** Says in the log where a worker's version gets no orders yet: nothing else would tell. */
export async function warnUnlessRouted(options: {
  temporal: Client;
  namespace: string;
  version: Required<WorkerVersion>;
  log: Logger;
}): Promise<void> {
  const { temporal, namespace, version, log } = options;
  const { deployment, buildId } = version;
  try {
    const found = await findWorkerDeployment(temporal, { namespace, deployment });
    if (found?.currentBuildId === buildId || found?.ramp?.buildId === buildId) return;
    log.warn(
      { deployment, buildId },
      'this version gets no orders until `order-dispatch setup worker-version` makes it current, or ramps it',
    );
  } catch (error) {
    log.warn({ err: error, deployment, buildId }, 'whether this version gets orders is not known');
  }
}
