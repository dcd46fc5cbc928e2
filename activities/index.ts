import type { ActivityDependencies } from './dependencies';
import { createBulkActivities } from './bulk';
import { createHoldActivities } from './hold';
import { createRequestActivities } from './request-dispatch';
import { createReconciliationActivities } from './reconciliation';
import { createStatusActivities } from './order-status';
import { createSubmitActivities } from './submit-order';

/** The activities on the main task queue. */
export function createMainActivities(dependencies: ActivityDependencies) {
  return {
    ...createSubmitActivities(dependencies),
    ...createStatusActivities(dependencies),
    ...createReconciliationActivities(dependencies),
    ...createHoldActivities(dependencies),
    ...createBulkActivities(dependencies),
  };
}

/** The activities on the requests task queue. */
export { createRequestActivities } from './request-dispatch';

/** The main task queue's activities, as workflows call them. */
export type MainActivities = ReturnType<typeof createMainActivities>;

/** The activities of `releaseHold`, on the main task queue. */
export type HoldActivities = ReturnType<typeof createHoldActivities>;

/** The activities of `resolveTasks`, on the main task queue. */
export type BulkActivities = ReturnType<typeof createBulkActivities>;

/** The requests task queue's activities, as workflows call them. */
export type RequestActivities = ReturnType<typeof createRequestActivities>;
