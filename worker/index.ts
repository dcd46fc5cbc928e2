/** For an order service that embeds the worker. */
export { createOrderDispatchWorker } from './worker';
export type { OrderDispatchWorker, OrderDispatchWorkerOptions } from './worker';
export type { Logger } from '../runtime/logger';
export {
  BrokerUnavailable,
  DatabaseUnavailable,
  InvalidConfiguration,
  InvalidPolicy,
  OrderDispatchError,
} from '../domain/errors';
