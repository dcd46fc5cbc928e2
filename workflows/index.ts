export { dispatchOrder } from './dispatch-order';
