export { cancelOrder, dispatchOrder } from './dispatch-order';
export { reconcileOrder } from './reconcile-order';
