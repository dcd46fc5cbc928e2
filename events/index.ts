/** For whoever is told what became of orders and human tasks: a customer's app, payments, a pager. */
export { consumeOutcomeEvents } from './consume-outcome-events';
export type { ConsumeOutcomeEventsOptions, OutcomeEventConsumer } from './consume-outcome-events';
export type { OutcomeEvent, OutcomeEventType } from '../domain/outcome-events';
export type { Logger } from '../runtime/logger';
export {
  BrokerUnavailable,
  InvalidConfiguration,
  MalformedMessage,
  OrderDispatchError,
} from '../domain/errors';
