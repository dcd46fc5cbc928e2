/** For an order service that embeds the worker. */
export { createOrderDispatchWorker } from './worker';
export type { OrderDispatchWorker, OrderDispatchWorkerOptions } from './worker';
export type { WorkerVersion } from '../runtime/worker-version';
export type { RelayedEvents } from './outcome-event-relay';
export type { Logger } from '../runtime/logger';
export {
  BrokerUnavailable,
  ConnectionClosed,
  DatabaseUnavailable,
  DispatchUnavailable,
  InvalidConfiguration,
  InvalidPolicy,
  OrderDispatchError,
  Unexpected,
} from '../domain/errors';
