import type { Answer, OrderState } from '../../domain/order-state';
import type {
  Order as OrderModel,
  Acknowledgement as AcknowledgementModel,
} from './generated/client';

/** The columns of `orders` that a workflow may see: all but the order itself, which is personal. */
export type OrderRow = Omit<
  OrderModel,
  'order' | 'policy' | 'contentHash' | 'createdAt' | 'updatedAt'
>;

/** The columns of `acknowledgements` that make an {@link Answer}. */
export type AnswerRow = Pick<
  AcknowledgementModel,
  'requestId' | 'outcome' | 'courierId' | 'rejectionCode' | 'retryAfterMs' | 'receivedAt'
>;

/** The row as workflows see it; its CHECK constraints vouch for the words. */
export function toOrderState(row: OrderRow): OrderState {
  return withoutNulls({
    orderId: row.orderId,
    status: row.status,
    requestNumber: row.requestNumber,
    attempts: row.attempts,
    dispatchBy: row.dispatchBy.toISOString(),
    courierId: row.courierId,
    dispatchedBy: row.dispatchedBy,
    rejectionCode: row.rejectionCode,
    escalationReason: row.escalationReason,
    escalatedAt: row.escalatedAt?.toISOString(),
    decision: row.decision,
    decidedBy: row.decidedBy,
    decidedAt: row.decidedAt?.toISOString(),
    erasedAt: row.erasedAt?.toISOString(),
  }) as unknown as OrderState;
}

/** A ledger row as workflows see it. */
export function toAnswer(row: AnswerRow): Answer {
  return withoutNulls({
    requestId: row.requestId,
    outcome: row.outcome,
    courierId: row.courierId,
    rejectionCode: row.rejectionCode,
    retryAfterMs: row.retryAfterMs,
    receivedAt: row.receivedAt.toISOString(),
  }) as unknown as Answer;
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
