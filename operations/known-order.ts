import { translated } from '../client/translate-error';
import { findDispatchRows } from '../database/dispatch/dispatch-view';
import { findOrderFacts } from '../database/orders/order-facts';
import { OrderNotFound } from '../domain/errors';
import {
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';
import { findWorkflowStatus } from '../temporal/order-workflows';
import { withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import type { OperatorSession } from './operator-session';

/**
 * Refuses an order that nobody knows, before a workflow is started for it that would find nothing.
 * Temporal is asked first: the databases only about an order that is past its retention, or that it
 * never knew.
 *
 * @throws {@link OrderNotFound} that says where was looked.
 */
export async function refuseUnknownOrder(
  session: Pick<OperatorSession, 'temporal'>,
  urls: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<void> {
  if (await isKnownToTemporal(session, orderId)) return;
  const { ordersDatabaseUrl, ...others } = urls;
  if (ordersDatabaseUrl === undefined) {
    throw new OrderNotFound(
      orderId,
      'Temporal does not know it: check the ID and the namespace; of an order past its retention, set ORDERS_DATABASE_URL',
    );
  }
  const isKnown = await withOperatorDatabases(
    { ordersDatabaseUrl, ...others },
    async ({ orders, dispatchView }) =>
      (await findOrderFacts(orders, [orderId])).has(orderId) ||
      (dispatchView !== undefined &&
        (await findDispatchRows(dispatchView, [orderId])).has(orderId)),
  );
  if (!isKnown) {
    const databases =
      others.dispatchDatabaseUrl === undefined ? 'nor the order database' : 'nor a database';
    throw new OrderNotFound(orderId, `neither Temporal ${databases} knows it: check the ID`);
  }
}

/** Whether Temporal has a workflow that says where the order stands, or will. */
export function isKnownToTemporal(
  { temporal }: Pick<OperatorSession, 'temporal'>,
  orderId: string,
): Promise<boolean> {
  const statusOf = (workflowId: string) => findWorkflowStatus(temporal, workflowId);
  return translated(orderId, async () => {
    const [dispatch, cancellation, reconciliation] = await Promise.all([
      statusOf(dispatchOrderWorkflowId(orderId)),
      statusOf(cancelOrderWorkflowId(orderId)),
      statusOf(reconcileOrderWorkflowId(orderId)),
    ]);
    // A cancellation fails, and a reconciliation ends, also where there is no such order.
    return (
      dispatch !== undefined ||
      cancellation === 'RUNNING' ||
      cancellation === 'COMPLETED' ||
      reconciliation === 'RUNNING'
    );
  });
}
