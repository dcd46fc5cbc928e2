import type { Order } from '../domain/order';
import type { OrderReport } from '../operations/order-overview';
import { fields } from './output';
import type { NextCommand } from './open-services';
import { statusText, taskFields } from './status-text';

/** All that is known of an order, for a person. */
export function orderText(report: OrderReport, nextCommand: NextCommand): string {
  const { orderId, view, order, row, dispatch, tasks, unread } = report;
  const head = view
    ? statusText({ view })
    : fields({ order: orderId, status: row?.status, Temporal: 'does not know it any more' });
  return [
    head,
    order && fields(orderFields(order, row?.dispatchBy)),
    row?.decision != null &&
      fields({
        decision: `${row.decision} by ${row.decidedBy}, ${row.decidedAt?.toISOString()}`,
        note: row.decisionNote ?? undefined,
      }),
    databasesText(row, dispatch, unread),
    ...tasks.map((task) => taskFields(task, nextCommand)),
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
    'placed at': order.placedAt,
    deadline: dispatchBy?.toISOString(),
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
          : `${row.status}${courier(row.courierId)}, changed ${row.updatedAt.toISOString()}${row.erasedAt ? ', erased' : ''}`,
    'dispatch database':
      dispatch === undefined
        ? undefined
        : dispatch === null
          ? 'no dispatch'
          : `${dispatch.status}${courier(dispatch.courierId)}, request ${dispatch.requestId}`,
    'not read': unread,
  });
}
