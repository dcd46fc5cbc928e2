import type { Answer, OrderState } from '../../domain/order-state';
import {
  Prisma,
  type Acknowledgement as AcknowledgementModel,
  type Order as OrderModel,
} from './generated/client';

/** The columns of `orders` that a workflow may see: not the order itself, which is personal. */
const COLUMNS = {
  orderId: 'order_id',
  status: 'status',
  requestNumber: 'request_number',
  attempts: 'attempts',
  dispatchBy: 'dispatch_by',
  courierId: 'courier_id',
  dispatchedBy: 'dispatched_by',
  courierSentBy: 'courier_sent_by',
  rejectionCode: 'rejection_code',
  escalationReason: 'escalation_reason',
  escalatedAt: 'escalated_at',
  decision: 'decision',
  decidedBy: 'decided_by',
  decidedAt: 'decided_at',
  erasedAt: 'erased_at',
} as const satisfies { readonly [Field in keyof OrderModel]?: string };

/** An order's row as far as a workflow may see it. */
export type OrderRow = Pick<OrderModel, keyof typeof COLUMNS>;

/** These columns, for a statement of our own that calls the table `alias`. */
export function orderColumns(alias: string): Prisma.Sql {
  const columns = Object.entries(COLUMNS);
  return Prisma.raw(
    columns.map(([field, column]) => `${alias}.${column} AS "${field}"`).join(', '),
  );
}

/** The columns of `acknowledgements` that make an {@link Answer}. */
export type AnswerRow = Pick<
  AcknowledgementModel,
  'requestId' | 'outcome' | 'courierId' | 'rejectionCode' | 'retryAfterMs' | 'receivedAt'
>;

/** The row as workflows see it, times as ISO 8601; its CHECK constraints vouch for the words. */
export function toOrderState(row: OrderRow): OrderState {
  const fields = Object.keys(COLUMNS) as (keyof OrderRow)[];
  return withoutNulls(
    Object.fromEntries(fields.map((field) => [field, row[field]])),
  ) as unknown as OrderState;
}

/** A ledger row as workflows see it. */
export function toAnswer(row: AnswerRow): Answer {
  return withoutNulls({
    requestId: row.requestId,
    outcome: row.outcome,
    courierId: row.courierId,
    rejectionCode: row.rejectionCode,
    retryAfterMs: row.retryAfterMs,
    receivedAt: row.receivedAt,
  }) as unknown as Answer;
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(([field, value]) => [field, value instanceof Date ? value.toISOString() : value]),
  );
}
