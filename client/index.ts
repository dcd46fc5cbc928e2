/** The SDK: what an order service needs to have its orders dispatched. */
export { OrderDispatchClient } from './order-dispatch-client';
export type { ConnectOptions, OrderDispatchClientOptions } from './order-dispatch-client';
export type { HumanTaskEntry } from './human-task-entry';
export type { OrderDispatch, OrderHandle, PlaceOrderOptions } from './order-dispatch';
export type { Decision } from '../domain/decisions';
export {
  DispatchUnavailable,
  InvalidConfiguration,
  InvalidOrder,
  InvalidPolicy,
  OrderConflict,
  OrderDispatchError,
  OrderNotFound,
  ResolutionRefused,
  TooLateToCancel,
} from '../domain/errors';
export type { ErrorCode } from '../domain/errors';
export type { RejectionCode } from '../domain/messages/acknowledgement';
export type { Order } from '../domain/order';
export type { OrderState } from '../domain/order-state';
export type { OrderResult, OrderStatusView } from '../domain/workflow-contract';
export { DEFAULT_POLICY } from '../domain/policy';
export type { Policy, PolicyOverrides } from '../domain/policy';
export type { ReconcileResult } from '../domain/workflow-contract';
export type { CancelRequest, Resolution } from '../domain/resolution';
export type { EscalationReason, OrderStatus } from '../domain/status';
