import { UsageError } from './errors';
import { ORDER_ID_PATTERN } from './order-id';
import type { EscalationReason, OrderStatus } from './status';

/** An order as it is listed; nothing of it is the customer's. */
export interface OrderListRow {
  orderId: string;
  status: OrderStatus;
  restaurantId: string | null;
  attempts: number;
  escalationReason: EscalationReason | null;
  /** Of a dispatched order. */
  courierId: string | null;
  /** When it was recorded. */
  placedAt: Date;
  updatedAt: Date;
  dispatchBy: Date;
}

/** What a list of orders is narrowed to; all conditions that are given must fit. */
export interface OrderListFilter {
  statuses: readonly OrderStatus[];
  /** Recorded at or before. */
  placedBefore?: Date;
  restaurantId?: string;
  customerId?: string;
  courierId?: string;
  /** An order ID or its beginning, or a courier's or a request's ID. */
  search?: string;
  /** Whether the search is for a customer's ID, too. @default false */
  searchCustomers?: boolean;
}

/** The place of an order in the list, after which a page begins. */
export interface OrderListPlace {
  /** ISO 8601. */
  placedAt: string;
  orderId: string;
}

/** A place as one word, for `--after`. */
export function cursorOf({
  placedAt,
  orderId,
}: Pick<OrderListRow, 'placedAt' | 'orderId'>): string {
  return `${placedAt.toISOString()}/${orderId}`;
}

/**
 * Reads a {@link cursorOf}.
 *
 * @throws UsageError where it is none.
 */
export function parseCursor(cursor: string): OrderListPlace {
  const [placedAt = '', orderId = '', ...more] = cursor.split('/');
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(placedAt);
  if (!isTime || !ORDER_ID_PATTERN.test(orderId) || more.length > 0) {
    throw new UsageError('--after: must be what the page before said it goes on with');
  }
  return { placedAt, orderId };
}
