import { defined } from '../../domain/defined';
import { ResolutionRefused } from '../../domain/errors';
import type { OrderState } from '../../domain/order-state';
import type { CancelRequest, Resolution } from '../../domain/resolution';
import { ORDER_STATUS_EDGES, type EscalationReason, type OrderStatus } from '../../domain/status';
import { prismaOf, type OrdersDatabase } from './connection';
import type { Prisma } from './generated/client';
import { toOrderState } from './order-row';
import { findAnswersFor, readOrderState } from './read-order';

/** Opens an order's human task: `placed` -> `escalated`, unless the request is not current any more. */
export function escalate(
  database: OrdersDatabase,
  given: {
    orderId: string;
    requestNumber: number;
    escalationReason: EscalationReason;
    rejectionCode?: string;
    at: string;
    taskId?: string;
  },
): Promise<OrderState> {
  const { orderId, requestNumber, escalationReason, rejectionCode, at, taskId } = given;
  return compareAndSet(database, orderId, {
    to: 'escalated',
    where: { requestNumber },
    set: {
      escalationReason,
      escalatedAt: at,
      ...defined({ taskId }),
      ...(rejectionCode && { rejectionCode }),
    },
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
  given: { orderId: string; request: CancelRequest; at: string },
): Promise<OrderState> {
  return compareAndSet(database, given.orderId, {
    to: 'cancelling',
    set: {
      ...decided('cancel', given.request, given.at),
      ...acted('cancel', given.request, given.at),
      ...NOT_ESCALATED,
    },
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
  given: { orderId: string; resolution: Resolution; at: string; dispatchBy: string },
): Promise<OrderState> {
  const { orderId, resolution, at, dispatchBy } = given;
  const decision = {
    ...decided(resolution.decision, resolution, at),
    ...acted('resolve', resolution, at),
  };
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
          courierSentBy: resolution.actor,
        },
      });
    case 'cancel':
      return compareAndSet(database, orderId, {
        to: 'cancelling',
        from: ['escalated'],
        set: { ...decision, ...NOT_ESCALATED },
      });
    case 'calledOff':
      return compareAndSet(database, orderId, {
        to: 'cancelled',
        from: ['cancelling'],
        where: { escalationReason: 'courierToCallOff' },
        set: { ...decision, ...NOT_ESCALATED },
      });
    case 'tooLate':
      return compareAndSet(database, orderId, {
        to: 'dispatched',
        from: ['cancelling'],
        where: { escalationReason: 'courierToCallOff' },
        set: { ...decision, ...NOT_ESCALATED },
      });
    default:
      throw new ResolutionRefused(`${resolution.decision} does not resolve an order's human task`);
  }
}

/** Opens the human task of a withdrawal that nobody answers; the status stays. */
export function escalateWithdrawal(
  database: OrdersDatabase,
  { orderId, at, taskId }: { orderId: string; at: string; taskId?: string },
): Promise<OrderState> {
  return change(database, orderId, {
    where: { status: { in: ['cancelling', 'dispatched'] }, escalationReason: null },
    set: { escalationReason: 'withdrawalFailed', escalatedAt: at, ...defined({ taskId }) },
  });
}

/** Opens the human task of a courier whom only people can call off; the status stays. */
export function escalateCallOff(
  database: OrdersDatabase,
  { orderId, at, taskId }: { orderId: string; at: string; taskId?: string },
): Promise<OrderState> {
  return change(database, orderId, {
    where: {
      status: 'cancelling',
      dispatchedBy: 'person',
      OR: [{ escalationReason: null }, { escalationReason: 'withdrawalFailed' }],
    },
    set: { escalationReason: 'courierToCallOff', escalatedAt: at, ...defined({ taskId }) },
  });
}

/**
 * Carries out the `retry` of a withdrawal that nobody answered; the status stays, and so does who
 * cancelled the order, or marked it as dispatched.
 */
export function retryWithdrawal(
  database: OrdersDatabase,
  given: { orderId: string; resolution: Resolution; at: string },
): Promise<OrderState> {
  return change(database, given.orderId, {
    where: { escalationReason: 'withdrawalFailed' },
    set: { ...acted('resolve', given.resolution, given.at), ...NOT_ESCALATED },
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
  const order = await readOrderState(database, orderId);
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

type Conditions = Prisma.OrderWhereInput;
type Changes = Prisma.OrderUpdateManyMutationInput;

const NOT_ESCALATED: Changes = { escalationReason: null, escalatedAt: null };

function decided(decision: string, by: { actor: string; note: string }, at: string): Changes {
  return { decision, decidedBy: by.actor, decisionNote: by.note, decidedAt: at };
}

/**
 * The last act of a person, of which a trigger makes the audit's row and, where it resolves a human
 * task, closes that.
 */
function acted(
  act: 'resolve' | 'cancel',
  by: Pick<Resolution, 'actor' | 'note' | 'via'> & { decision?: string },
  at: string,
): Changes {
  const { actor, note, via = 'temporal', decision = 'cancel' } = by;
  return { lastAct: { act, decision, actor, via, note, at } };
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
  return row ? toOrderState(row) : readOrderState(database, orderId);
}

function statusesBefore(status: OrderStatus): OrderStatus[] {
  return (Object.keys(ORDER_STATUS_EDGES) as OrderStatus[]).filter((from) =>
    ORDER_STATUS_EDGES[from].includes(status),
  );
}
