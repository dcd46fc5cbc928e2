import type { Via } from '../domain/act';
import type { Order } from '../domain/order';
import type { OrderState } from '../domain/order-state';
import type { PolicyOverrides } from '../domain/policy';
import type { CancelRequest, Resolution } from '../domain/resolution';
import type { OrderResult, OrderStatusView, ReconcileResult } from '../domain/workflow-contract';
import type { HumanTaskEntry } from './human-task-entry';

import { anyOption, type OptionsShape } from '../domain/options';

/** What goes with an order. */
export interface PlaceOrderOptions {
  /** What differs from the worker's policy, for this order. */
  policy?: PolicyOverrides | undefined;
}

/** Who has an order reconciled. */
export interface ReconcileOptions {
  actor: string;
  /** Which way it comes. @default 'sdk' */
  via?: Via;
}

/** Every option that goes with an order; not for callers. */
export const PLACE_ORDER_OPTIONS: OptionsShape<PlaceOrderOptions> = { policy: anyOption };

/**
 * Places orders, looks after them, and resolves human tasks. Code that takes this can be given an
 * `OrderDispatchClient`, or in its tests the `FakeOrderDispatch` of `order-dispatch/testing`.
 */
export interface OrderDispatch {
  /**
   * Places an order: from then on it ends `dispatched` or `cancelled`, or waits in a listed human
   * task. Idempotent: the same order again returns the handle of the first.
   *
   * @throws InvalidOrder, InvalidPolicy: each bad field is named, nothing was recorded. OrderConflict:
   * the order ID is taken by other content. InvalidConfiguration: there is no such option.
   * DispatchUnavailable: Temporal cannot be reached; safe to repeat.
   */
  placeOrder(order: Order, options?: PlaceOrderOptions): Promise<OrderHandle>;

  /** The handle of an order, without a look whether there is one. */
  getOrder(orderId: string): OrderHandle;

  /**
   * Every human task that is open, page by page. Temporal lists a new one within about a second.
   *
   * @throws DispatchUnavailable where Temporal cannot be reached.
   */
  humanTasks(): AsyncGenerator<HumanTaskEntry>;

  /**
   * Resolves a human task by its ID; returns when the decision is carried out.
   *
   * @throws ResolutionRefused that says why nothing was changed.
   */
  resolveTask(taskId: string, resolution: Resolution): Promise<void>;

  /**
   * Has an order looked at: do the two databases and Temporal agree about it? What is found is mended,
   * or becomes a human task. Waits for the end, unless a person has to decide.
   *
   * @throws DispatchUnavailable where Temporal cannot be reached.
   */
  reconcile(orderId: string, options: ReconcileOptions): Promise<ReconcileResult>;

  /**
   * Closes the connection: for a client made by `connect`. What is under way then, such as a `result()`
   * that waits, fails with ConnectionClosed; the orders go on.
   */
  close(): Promise<void>;
}

/** One order, by its ID. */
export interface OrderHandle {
  readonly orderId: string;

  /**
   * Where the order stands now. After Temporal's retention a worker reads its row for this.
   *
   * @throws OrderNotFound; DispatchUnavailable where Temporal cannot be reached or, for a running
   * order, no worker answers.
   */
  status(): Promise<OrderStatusView>;

  /**
   * Waits until the order is dispatched or cancelled: minutes where it is retried, longer where a
   * person has to decide. After a later cancellation, that one's result. After Temporal's retention a
   * worker reads the row for this.
   *
   * @throws OrderNotFound, DispatchUnavailable; OrderUnsettled where its workflow is gone and it is not final; OrderConflict or InvalidOrder where the worker refused
   * the order.
   */
  result(): Promise<OrderResult>;

  /**
   * Resolves the order's human task; returns when the decision is carried out.
   *
   * @throws ResolutionRefused that says why nothing was changed: it is not valid, no human task is
   * open, or somebody was quicker.
   */
  resolve(resolution: Resolution): Promise<OrderState>;

  /**
   * Cancels the order, and returns when the dispatch system has given it up. A second cancellation
   * joins the first; of a cancelled order, its result comes back.
   *
   * @throws TooLateToCancel where a courier is on the way: the order stays dispatched.
   */
  cancel(request: CancelRequest): Promise<OrderResult>;
}
