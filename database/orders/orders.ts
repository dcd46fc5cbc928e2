import { OrderConflict, OrderNotFound, ResolutionRefused } from '../../domain/errors';
import type { Order } from '../../domain/order';
import type { OrderProgress, OrderState } from '../../domain/order-state';
import type { Policy } from '../../domain/policy';
import type { CancelRequest, Resolution } from '../../domain/resolution';
import { requestIdOf, withdrawalIdOf } from '../../domain/request-id';
import { ORDER_STATUS_EDGES, type EscalationReason, type OrderStatus } from '../../domain/status';
import { findAnswers } from './acknowledgements';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';
import { toOrderState, type OrderRow } from './order-row';

/** What {@link insertOrRead} records where the order is new. */
export interface NewOrder {
  order: Order;
  contentHash: string;
  policy: Policy;
  dispatchBy: Date;
  /** `n` of the request to begin with; more than 1 where a lost row comes back. @default 1 */
  requestNumber?: number;
}

/**
 * Records the order, or reads it where it is recorded already, in one statement. The beginning of
 * every activity that touches an order, so that any of them may run first, twice or late.
 *
 * @param attempt whether the order is about to be handed to the publisher; counted only where the
 * order waits for an answer. (An acceptance that the row does not show was applied to a row that is
 * lost: asking again brings it again.)
 * @throws {@link OrderConflict} where the order ID is recorded with other content.
 */
export async function insertOrRead(
  database: OrdersDatabase,
  { order, contentHash, policy, dispatchBy, requestNumber = 1 }: NewOrder,
  { attempt }: { attempt: boolean },
): Promise<OrderProgress> {
  const counted = attempt ? 1 : 0;
  const rows = await prismaOf(database).$queryRaw<
    (OrderRow & { contentHash: string; policy: Policy; isNew: boolean })[]
  >`
    INSERT INTO orders AS o
      (order_id, content_hash, "order", policy, dispatch_by, request_number, attempts)
    VALUES (${order.orderId}, ${contentHash}, ${JSON.stringify(order)}::jsonb,
            ${JSON.stringify(policy)}::jsonb, ${dispatchBy}, ${requestNumber}, ${counted})
    ON CONFLICT (order_id) DO UPDATE SET attempts = o.attempts + CASE
      WHEN o.status = 'placed' AND o.content_hash = excluded.content_hash AND NOT EXISTS (
        SELECT 1 FROM acknowledgements
        WHERE request_id = o.order_id || '.' || o.request_number AND class = 'first'
          AND outcome = 'rejected')
      THEN ${counted} ELSE 0 END
    RETURNING ${COLUMNS}, content_hash AS "contentHash", policy, (xmax = 0) AS "isNew"`;
  const row = rows[0];
  if (!row || row.contentHash !== contentHash) throw new OrderConflict(order.orderId);
  const state = toOrderState(row);
  // A new row has no answers yet: spare the quick path the second statement.
  return {
    order: state,
    policy: row.policy,
    ...(row.isNew ? {} : await findAnswersFor(database, state)),
  };
}

/** Opens an order's human task: `placed` -> `escalated`, unless the request is not current any more. */
export function escalate(
  database: OrdersDatabase,
  given: {
    orderId: string;
    requestNumber: number;
    escalationReason: EscalationReason;
    rejectionCode?: string;
    at: Date;
  },
): Promise<OrderState> {
  const { orderId, requestNumber, escalationReason, rejectionCode, at } = given;
  return compareAndSet(database, orderId, {
    to: 'escalated',
    where: { requestNumber },
    set: { escalationReason, escalatedAt: at, ...(rejectionCode && { rejectionCode }) },
  });
}

/** Goes on to the next request after a rejection that welcomes one. */
export function startNextRequest(
  database: OrdersDatabase,
  { orderId, requestNumber }: { orderId: string; requestNumber: number },
): Promise<OrderState> {
  return change(database, orderId, {
    where: { status: 'placed', requestNumber },
    set: { requestNumber: requestNumber + 1 },
  });
}

/** Cancels an order that the dispatch system rejected: there is nothing to withdraw. */
export function cancelRejected(
  database: OrdersDatabase,
  given: { orderId: string; requestNumber: number; rejectionCode: string },
): Promise<OrderState> {
  return compareAndSet(database, given.orderId, {
    to: 'cancelled',
    from: ['placed', 'escalated'],
    where: { requestNumber: given.requestNumber },
    set: { rejectionCode: given.rejectionCode, ...NOT_ESCALATED },
  });
}

/** Moves an order into `cancelling`: the decision point of every cancellation. */
export function startCancellation(
  database: OrdersDatabase,
  given: { orderId: string; request: CancelRequest; at: Date },
): Promise<OrderState> {
  return compareAndSet(database, given.orderId, {
    to: 'cancelling',
    set: { ...decided('cancel', given.request, given.at), ...NOT_ESCALATED },
  });
}

/**
 * Carries out what a person decided about an open human task. The resolution won if the row that
 * comes back has its actor and its time.
 *
 * @param given.dispatchBy a `retry`'s new deadline.
 */
export function applyResolution(
  database: OrdersDatabase,
  given: { orderId: string; resolution: Resolution; at: Date; dispatchBy: Date },
): Promise<OrderState> {
  const { orderId, resolution, at, dispatchBy } = given;
  const decision = decided(resolution.decision, resolution, at);
  switch (resolution.decision) {
    case 'retry':
      return compareAndSet(database, orderId, {
        to: 'placed',
        set: { ...decision, ...NOT_ESCALATED, dispatchBy, requestNumber: { increment: 1 } },
      });
    case 'markDispatched':
      return compareAndSet(database, orderId, {
        to: 'dispatched',
        from: ['escalated'],
        set: {
          ...decision,
          ...NOT_ESCALATED,
          dispatchedBy: 'person',
          courierId: resolution.courierId ?? null,
        },
      });
    case 'cancel':
      return compareAndSet(database, orderId, {
        to: 'cancelling',
        from: ['escalated'],
        set: { ...decision, ...NOT_ESCALATED },
      });
    default:
      throw new ResolutionRefused(`${resolution.decision} does not resolve an order's human task`);
  }
}

/** Opens the human task of a withdrawal that nobody answers; the status stays. */
export function escalateWithdrawal(
  database: OrdersDatabase,
  { orderId, at }: { orderId: string; at: Date },
): Promise<OrderState> {
  return change(database, orderId, {
    where: { status: { in: ['cancelling', 'dispatched'] }, escalationReason: null },
    set: { escalationReason: 'withdrawalFailed', escalatedAt: at },
  });
}

/** Carries out the `retry` of a withdrawal that nobody answered; the status stays. */
export function retryWithdrawal(
  database: OrdersDatabase,
  given: { orderId: string; resolution: Resolution; at: Date },
): Promise<OrderState> {
  return change(database, given.orderId, {
    where: { escalationReason: 'withdrawalFailed' },
    set: { ...decided('retry', given.resolution, given.at), ...NOT_ESCALATED },
  });
}

/**
 * Ends a cancellation by the applied answer to its withdrawal: `cancelled` when withdrawn, back to
 * `dispatched` when refused. An order that a person marked as dispatched keeps that person's courier.
 */
export async function settleWithdrawal(
  database: OrdersDatabase,
  { orderId }: { orderId: string },
): Promise<OrderState> {
  const order = await readOrder(database, orderId);
  const { withdrawalAnswer } = await findAnswersFor(database, order);
  if (withdrawalAnswer?.outcome === 'withdrawn') {
    await compareAndSet(database, orderId, {
      to: 'cancelled',
      from: ['cancelling'],
      set: NOT_ESCALATED,
    });
  } else if (withdrawalAnswer?.outcome === 'withdrawalRefused') {
    await compareAndSet(database, orderId, {
      to: 'dispatched',
      from: ['cancelling'],
      set: {
        ...(order.dispatchedBy !== 'person' && {
          courierId: withdrawalAnswer.courierId ?? null,
          dispatchedBy: 'acknowledgement',
        }),
        ...NOT_ESCALATED,
      },
    });
  }
  return change(database, orderId, {
    where: { status: 'dispatched', escalationReason: 'withdrawalFailed' },
    set: NOT_ESCALATED,
  });
}

/**
 * Reads an order.
 *
 * @throws {@link OrderNotFound} where there is none.
 */
async function readOrder(database: OrdersDatabase, orderId: string): Promise<OrderState> {
  const row = await prismaOf(database).order.findUnique({ where: { orderId } });
  if (!row) throw new OrderNotFound(orderId);
  return toOrderState(row);
}

/** Finds the applied answers to an order's current request and to its withdrawal. */
export function findAnswersFor(
  database: OrdersDatabase,
  { orderId, requestNumber }: OrderState,
): Promise<Pick<OrderProgress, 'answer' | 'withdrawalAnswer'>> {
  return findAnswers(database, {
    requestId: requestIdOf(orderId, requestNumber),
    withdrawalId: withdrawalIdOf(orderId),
  });
}

type Conditions = Prisma.OrderWhereInput;
type Changes = Prisma.OrderUpdateManyMutationInput;

const NOT_ESCALATED: Changes = { escalationReason: null, escalatedAt: null };

function decided(decision: string, by: { actor: string; note: string }, at: Date): Changes {
  return { decision, decidedBy: by.actor, decisionNote: by.note, decidedAt: at };
}

/** Moves the status along an edge, or leaves the row as it is; returns it either way. */
function compareAndSet(
  database: OrdersDatabase,
  orderId: string,
  given: { to: OrderStatus; from?: OrderStatus[]; where?: Conditions; set: Changes },
): Promise<OrderState> {
  const before = given.from ?? statusesBefore(given.to);
  return change(database, orderId, {
    where: { ...given.where, status: { in: before } },
    set: { ...given.set, status: given.to },
  });
}

async function change(
  database: OrdersDatabase,
  orderId: string,
  given: { where: Conditions; set: Changes },
): Promise<OrderState> {
  const [row] = await prismaOf(database).order.updateManyAndReturn({
    // An erased order is final: nothing of it changes any more.
    where: { ...given.where, orderId, erasedAt: null },
    data: { ...given.set, updatedAt: new Date() },
  });
  return row ? toOrderState(row) : readOrder(database, orderId);
}

function statusesBefore(status: OrderStatus): OrderStatus[] {
  return (Object.keys(ORDER_STATUS_EDGES) as OrderStatus[]).filter((from) =>
    ORDER_STATUS_EDGES[from].includes(status),
  );
}

const COLUMNS = Prisma.raw(
  (
    [
      ['order_id', 'orderId'],
      ['status', 'status'],
      ['request_number', 'requestNumber'],
      ['attempts', 'attempts'],
      ['dispatch_by', 'dispatchBy'],
      ['courier_id', 'courierId'],
      ['dispatched_by', 'dispatchedBy'],
      ['rejection_code', 'rejectionCode'],
      ['escalation_reason', 'escalationReason'],
      ['escalated_at', 'escalatedAt'],
      ['decision', 'decision'],
      ['decided_by', 'decidedBy'],
      ['decision_note', 'decisionNote'],
      ['decided_at', 'decidedAt'],
      ['erased_at', 'erasedAt'],
    ] satisfies [string, keyof OrderRow][]
  )
    .map(([column, field]) => `${column} AS "${field}"`)
    .join(', '),
);
