import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { translateError } from '../client/translate-error';
import { findDispatchRows, type DispatchViewRow } from '../database/dispatch/dispatch-view';
import { readOrderOverview, type OrderOverview } from '../database/orders/order-overview';
import { InvalidConfiguration, DatabaseUnavailable, OrderNotFound } from '../domain/errors';
import type { Order } from '../domain/order';
import type { DispatchOrderInput, OrderStatusView } from '../domain/workflow-contract';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { ifFound } from '../temporal/order-workflows';
import { withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import { findOpenTasks, type OpenTask } from './open-tasks';
import type { OperatorSession } from './operator-session';

/** All that is known of an order, from wherever it is. */
export interface OrderReport {
  orderId: string;
  /** What Temporal says; absent where it does not know the order any more. */
  view?: OrderStatusView;
  /** As the row has it, else as the workflow was started with it. */
  order?: Order;
  /** Null where there is no such row; absent where nobody said where the database is. */
  row?: OrderOverview | null;
  dispatch?: DispatchViewRow | null;
  /** All that are open: the order's own, and a finding's. */
  tasks: OpenTask[];
  /** Why the databases are not shown, where one does not answer. */
  unread?: string;
}

/**
 * Reports on an order.
 *
 * @throws OrderNotFound where nobody knows it; DispatchUnavailable where Temporal or a worker does not
 * answer.
 */
export async function reportOrder(
  session: OperatorSession,
  urls: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<OrderReport> {
  const rows = await readRows(urls, orderId);
  const [view, tasks = []] = await Promise.all([
    session.orders
      .getOrder(orderId)
      .status()
      .catch((error: unknown) => {
        if (error instanceof OrderNotFound && rows.row) return undefined;
        throw error;
      }),
    findOpenTasks(session, orderId),
  ]);
  const order = rows.row
    ? (rows.row.order as unknown as Order)
    : await readStartedOrder(session, orderId);
  return { orderId, ...(view && { view }), ...(order && { order }), ...rows, tasks };
}

async function readRows(
  { ordersDatabaseUrl, dispatchDatabaseUrl }: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<Pick<OrderReport, 'row' | 'dispatch' | 'unread'>> {
  if (ordersDatabaseUrl === undefined) return {};
  const urls = {
    ordersDatabaseUrl,
    ...(dispatchDatabaseUrl !== undefined && { dispatchDatabaseUrl }),
  };
  try {
    return await withOperatorDatabases(urls, async ({ orders, dispatchView }) => {
      const row = await readOrderOverview(orders, orderId);
      if (!dispatchView) return { row };
      const dispatches = await findDispatchRows(dispatchView, [orderId]);
      return { row, dispatch: dispatches.get(orderId) ?? null };
    });
  } catch (error) {
    // Temporal may have enough to say.
    if (error instanceof DatabaseUnavailable || error instanceof InvalidConfiguration) {
      return { unread: error.message };
    }
    throw error;
  }
}

/** The order that its workflow was started with; no worker is needed for that. */
async function readStartedOrder(
  { connection, namespace, temporal }: OperatorSession,
  orderId: string,
): Promise<Order | undefined> {
  try {
    const history = await ifFound(() =>
      connection.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId: dispatchOrderWorkflowId(orderId) },
        maximumPageSize: 1,
      }),
    );
    const started = history?.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [input] = await decodeArrayFromPayloads(
      temporal.options.loadedDataConverter,
      started?.input?.payloads,
    );
    return (input as Partial<DispatchOrderInput> | undefined)?.order;
  } catch (error) {
    const { code } = error as { code?: unknown };
    // Not found: `ifFound` knows the SDK's own error alone.
    if (code === 5) return undefined;
    throw translateError(error, orderId);
  }
}
