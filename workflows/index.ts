export { cancelOrder, dispatchOrder } from './dispatch-order';
export { readOrder } from './read-order';
export { reconcileOrder } from './reconcile-order';
export { checkHealth, sweepOrders } from './check-health';
export { releaseHold } from './release-hold';
export { resolveTasks } from './resolve-tasks';
