import { isGrpcServiceError, type Client } from '@temporalio/client';

/** Temporal's numbers (`temporal.api.enums.v1.WorkerDeploymentVersionStatus`). */
const STATUSES = {
  1: 'inactive',
  2: 'current',
  3: 'ramping',
  4: 'draining',
  5: 'drained',
  6: 'created',
} as const satisfies Record<number, string>;

/** Where a version stands. `draining`: workflows may still need it; `drained`: none does. */
type DeploymentVersionStatus = (typeof STATUSES)[keyof typeof STATUSES];

/** The versions of the worker that a namespace knows, and which of them get orders. */
export interface WorkerDeployment {
  deployment: string;
  /** Absent while workers without a version get all orders. */
  currentBuildId?: string;
  /** The version that some orders go to, by a share of them in percent. */
  ramp?: { buildId: string; percent: number };
  /** The newest first. */
  versions: { buildId: string; status: DeploymentVersionStatus }[];
}

/** gRPC's codes. */
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;

const isOneOf = (error: unknown, codes: readonly number[]) =>
  isGrpcServiceError(error) && codes.includes(error.code);

/** Whether Temporal does not know a version, or has not yet seen its workers on all task queues. */
export function isVersionUnknown(error: unknown): boolean {
  return isOneOf(error, [NOT_FOUND, FAILED_PRECONDITION]);
}

/** A worker deployment; `undefined` where no worker of it has polled yet. */
export async function findWorkerDeployment(
  temporal: Client,
  { namespace, deployment }: { namespace: string; deployment: string },
): Promise<WorkerDeployment | undefined> {
  const { workflowService } = temporal;
  const described = await workflowService
    .describeWorkerDeployment({ namespace, deploymentName: deployment })
    .catch((error: unknown) => {
      if (isOneOf(error, [NOT_FOUND])) return undefined;
      throw error;
    });
  const info = described?.workerDeploymentInfo;
  if (!info) return undefined;
  const currentBuildId = info.routingConfig?.currentDeploymentVersion?.buildId;
  const rampingBuildId = info.routingConfig?.rampingDeploymentVersion?.buildId;
  const percent = info.routingConfig?.rampingVersionPercentage ?? 0;
  return {
    deployment,
    ...(currentBuildId && { currentBuildId }),
    ...(rampingBuildId && { ramp: { buildId: rampingBuildId, percent } }),
    versions: newestFirst(info.versionSummaries ?? []).map(({ deploymentVersion, status }) => ({
      buildId: deploymentVersion?.buildId ?? '',
      status: toStatus(Number(status)),
    })),
  };
}

function newestFirst<Version extends { createTime?: { seconds?: unknown } | null }>(
  versions: readonly Version[],
): Version[] {
  const createdAt = ({ createTime }: Version) => Number(createTime?.seconds ?? 0);
  return [...versions].sort((a, b) => createdAt(b) - createdAt(a));
}

function toStatus(number: number): DeploymentVersionStatus {
  return STATUSES[number as keyof typeof STATUSES] ?? 'inactive';
}
