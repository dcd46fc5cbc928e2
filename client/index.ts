/** The SDK: what an order service needs to have its orders dispatched. */
export { OrderDispatchClient } from './order-dispatch-client';
export type { ConnectOptions, OrderDispatchClientOptions } from './order-dispatch-client';
export type { HumanTaskEntry } from './human-task-entry';
export type {
  OrderDispatch,
  OrderHandle,
  PlaceOrderOptions,
  ReconcileOptions,
} from './order-dispatch';
export type { Via } from '../domain/act';
export type { Decision } from '../domain/decisions';
export {
  ConnectionClosed,
  DispatchUnavailable,
  ERROR_CODES,
  InvalidConfiguration,
  InvalidOrder,
  InvalidPolicy,
  OrderConflict,
  OrderDispatchError,
  OrderNotFound,
  OrderUnsettled,
  ResolutionRefused,
  TooLateToCancel,
  Unexpected,
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
