import { z } from 'zod';
import { VIAS } from '../../domain/act';
import { DECISIONS } from '../../domain/decisions';
import { ESCALATION_REASONS, ORDER_STATUSES } from '../../domain/status';
import { at, next } from './primitives';
import { guidance, humanTaskRow, openHumanTask } from './tasks';

const status = z.enum(ORDER_STATUSES);
const dispatchedBy = z.enum(['acknowledgement', 'person']);

/** An order as it is listed. */
const orderListRow = z
  .object({
    orderId: z.string(),
    status,
    restaurantId: z.string().nullable(),
    attempts: z.int(),
    escalationReason: z.enum(ESCALATION_REASONS).nullable(),
    courierId: z.string().nullable(),
    placedAt: at,
    updatedAt: at,
    dispatchBy: at,
  })
  .meta({ id: 'OrderListRow' });

/** A page of orders, the oldest first. */
export const orderList = z
  .object({ orders: z.array(orderListRow), next })
  .meta({ id: 'OrderList' });

/** Where an order stands, as its workflow says. */
const orderStatusView = z
  .object({
    orderId: z.string(),
    attempts: z.int(),
    resolvedBy: z.string().nullable(),
    status,
    dispatchedBy: dispatchedBy.optional(),
    courierId: z.string().optional(),
    rejectionCode: z.string().optional(),
    isHeld: z.literal(true).optional(),
    humanTask: openHumanTask.optional(),
  })
  .meta({ id: 'OrderStatusView' });

/** An order that was placed, now or before. */
export const placedOrder = z
  .object({
    orderId: z.string(),
    /** Where it stands; null where no worker said so in time. It is placed all the same. */
    view: orderStatusView.nullable(),
  })
  .meta({ id: 'PlacedOrder' });

/** What was ordered. For a viewer, without what is the customer's; of an erased order, less still. */
const shownOrder = z
  .object({
    orderId: z.string().optional(),
    customerId: z.string().optional(),
    restaurantId: z.string().optional(),
    deliveryAddress: z
      .object({
        line: z.string().optional(),
        city: z.string().optional(),
        postcode: z.string().optional(),
      })
      .nullish(),
    items: z
      .array(z.object({ sku: z.string(), quantity: z.number(), unitPriceMinor: z.number() }))
      .optional(),
    currency: z.string().optional(),
    placedAt: z.string().optional(),
    note: z.string().nullish(),
    details: z.unknown().optional(),
  })
  .meta({ id: 'ShownOrder' });

/** All that is known of an order. */
export const orderReport = z
  .object({
    orderId: z.string(),
    order: shownOrder.optional(),
    /** What the order database has; null where there is no such row, absent where it was not read. */
    row: z
      .object({
        status: z.string(),
        requestNumber: z.int(),
        attempts: z.int(),
        dispatchBy: at,
        courierId: z.string().nullable(),
        dispatchedBy: z.string().nullable(),
        rejectionCode: z.string().nullable(),
        decision: z.string().nullable(),
        decidedBy: z.string().nullable(),
        decisionNote: z.string().nullable().optional(),
        decidedAt: at.nullable(),
        createdAt: at,
        updatedAt: at,
        erasedAt: at.nullable(),
      })
      .nullable()
      .optional(),
    /** What the dispatch database has; null where it has no dispatch. */
    dispatch: z
      .object({
        orderId: z.string(),
        requestId: z.string().nullable(),
        courierId: z.string().nullable(),
        status: z.string().nullable(),
      })
      .nullable()
      .optional(),
    /** Why the databases are not shown. */
    unread: z.string().optional(),
    view: orderStatusView.optional(),
    tasks: z.array(z.object({ taskId: z.string(), humanTask: openHumanTask })),
    /** Why its workflow did not answer: view and tasks are then not known. */
    unanswered: z.string().optional(),
  })
  .meta({ id: 'OrderReport' });

/** What happened to an order. */
export const timeline = z
  .object({
    orderId: z.string(),
    status: status.nullable().optional(),
    entries: z.array(
      z.object({
        at: z.string(),
        what: z.string(),
        from: z.enum(['orderDatabase', 'temporal']),
        requestId: z.string().optional(),
        attempt: z.int().optional(),
        outcome: z.string().optional(),
        class: z.string().optional(),
        courierId: z.string().optional(),
        rejectionCode: z.string().optional(),
        escalationReason: z.string().optional(),
        taskId: z.string().optional(),
        closedBy: z.string().optional(),
        act: z.string().optional(),
        decision: z.string().optional(),
        actor: z.string().optional(),
        via: z.string().optional(),
        note: z.string().optional(),
        deadLetterReason: z.string().optional(),
        found: z.string().optional(),
        done: z.string().optional(),
        how: z.string().optional(),
      }),
    ),
    isFinal: z.boolean(),
    endedAs: z.enum(['dispatched', 'cancelled']).optional(),
    notKnown: z.array(z.string()),
  })
  .meta({ id: 'Timeline' });

/** Why an order stands where it does. */
export const why = z
  .object({
    orderId: z.string(),
    status: status.nullable().optional(),
    waitsFor: z.string(),
    since: z.string().optional(),
    attempt: z.object({ number: z.int(), of: z.int() }).optional(),
    confirmedAt: z.string().optional(),
    nextAttemptAt: z.string().optional(),
    escalatesAt: z.string().optional(),
    tasks: z
      .array(
        z.object({
          taskId: z.string(),
          escalationReason: z.enum(ESCALATION_REASONS),
          openedAt: z.string(),
          dueAt: z.string().optional(),
          overdueAt: z.string().optional(),
          claimedBy: z.string().optional(),
          claimedUntil: z.string().optional(),
          snoozedUntil: z.string().optional(),
          guidance,
        }),
      )
      .optional(),
    youCan: z.array(z.string()),
    notKnown: z.array(z.string()).readonly(),
    text: z.string(),
  })
  .meta({ id: 'Why' });

/** An order's row, as a decision or a cancellation left it. */
export const orderState = z
  .object({
    orderId: z.string(),
    status,
    requestNumber: z.int().optional(),
    attempts: z.int(),
    dispatchBy: z.string().optional(),
    courierId: z.string().optional(),
    dispatchedBy: dispatchedBy.optional(),
    courierSentBy: z.string().optional(),
    rejectionCode: z.string().optional(),
    escalationReason: z.enum(ESCALATION_REASONS).optional(),
    escalatedAt: z.string().optional(),
    decision: z.enum(DECISIONS).optional(),
    decidedBy: z.string().optional(),
    decidedAt: z.string().optional(),
    resolvedBy: z.string().nullable().optional(),
  })
  .meta({ id: 'OrderState' });

/** A cancellation that goes on, perhaps with a task that waits for a person. */
export const cancelling = z
  .object({ orderId: z.string(), status: z.literal('cancelling'), task: humanTaskRow.nullable() })
  .meta({ id: 'Cancelling' });

/** Something that a person did. */
export const auditEntry = z
  .object({
    id: z.string(),
    at,
    act: z.string(),
    actor: z.string(),
    via: z.enum(VIAS),
    note: z.string().nullable().optional(),
    orderId: z.string().nullable(),
    taskId: z.string().nullable(),
    decision: z.string().nullable(),
    facts: z.unknown().optional(),
  })
  .meta({ id: 'AuditEntry' });
