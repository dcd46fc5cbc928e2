import type { Order } from '../domain/order';
import type { OrderRecords, OrderReport } from '../operations/order-overview';
import { fields } from './output';
import type { NextCommand } from './open-services';
import { formatMoment } from './times';
import { statusText, taskFields } from './status-text';

/** All that is known of an order, for a person. */
export function orderText(report: OrderReport, nextCommand: NextCommand): string {
  const { orderId, view, row, tasks, unanswered } = report;
  const status = row?.status;
  const withoutView = unanswered
    ? { order: orderId, status, workflow: 'does not answer: is its worker up?' }
    : { order: orderId, status, Temporal: 'does not know it any more' };
  return [
    view ? statusText({ view }) : fields(withoutView),
    recordsText(report),
    ...tasks.map((task) => taskFields(task, nextCommand)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What was ordered and decided, and what the databases say; empty where nothing is known. */
export function recordsText({ order, row, dispatch, unread }: OrderRecords): string {
  return [
    order && fields(orderFields(order, row?.dispatchBy)),
    row?.decision != null &&
      fields({
        decision: `${row.decision} by ${row.decidedBy}${row.decidedAt ? `, ${formatMoment(row.decidedAt)}` : ''}`,
        note: row.decisionNote ?? undefined,
      }),
    databasesText(row, dispatch, unread),
  ]
    .filter((part) => typeof part === 'string')
    .join('\n\n');
}

function orderFields(order: Order, dispatchBy: Date | undefined) {
  const { deliveryAddress: to, currency } = order;
  return {
    restaurant: order.restaurantId,
    customer: order.customerId,
    address: `${to.line}\n${to.postcode} ${to.city}`,
    items: order.items
      .map(({ sku, quantity, unitPriceMinor }) => `${quantity} x ${sku}, ${unitPriceMinor} each`)
      .join('\n'),
    prices: `in ${currency}, its minor unit`,
    "customer's note": order.note,
    'placed at': formatMoment(order.placedAt),
    deadline: dispatchBy && formatMoment(dispatchBy),
  };
}

function databasesText(
  row: OrderReport['row'],
  dispatch: OrderReport['dispatch'],
  unread: string | undefined,
): string | undefined {
  if (row === undefined && unread === undefined) return undefined;
  const courier = (id: string | null) => (id === null ? '' : `, courier ${id}`);
  return fields({
    'order database':
      row === undefined
        ? undefined
        : row === null
          ? 'no such order'
          : `${row.status}${courier(row.courierId)}, changed ${formatMoment(row.updatedAt)}${row.erasedAt ? ', erased' : ''}`,
    'dispatch database':
      dispatch === undefined
        ? undefined
        : dispatch === null
          ? 'no dispatch'
          : `${dispatch.status}${courier(dispatch.courierId)}, request ${dispatch.requestId}`,
    'not read': unread,
  });
}
