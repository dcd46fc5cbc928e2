/** For an order service that embeds the worker. */
export { createOrderDispatchWorker } from './worker';
export type { OrderDispatchWorker, OrderDispatchWorkerOptions } from './worker';
