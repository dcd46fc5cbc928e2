import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { translateError } from '../client/translate-error';
import {
  findDispatchRows,
  type DispatchView,
  type DispatchViewRow,
} from '../database/dispatch/dispatch-view';
import { readOrderOverview, type OrderOverview } from '../database/orders/order-overview';
import {
  DatabaseUnavailable,
  DispatchUnavailable,
  InvalidConfiguration,
  OrderNotFound,
} from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';
import type { Order } from '../domain/order';
import type { DispatchOrderInput, OrderStatusView } from '../domain/workflow-contract';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { ifFound } from '../temporal/order-workflows';
import { naming, withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import { isKnownToTemporal } from './known-order';
import { findOpenTasks, type OpenTask } from './open-tasks';
import type { OperatorSession } from './operator-session';

/** What was ordered, and what the databases say of it. */
export interface OrderRecords {
  /** As the row has it, else as the workflow was started with it. */
  order?: Order;
  /** Null where there is no such row; absent where nobody said where the database is. */
  row?: OrderOverview | null;
  dispatch?: DispatchViewRow | null;
  /** Why the databases, or the dispatch alone, are not shown, where one does not answer. */
  unread?: string;
}

/** All that is known of an order, from wherever it is. */
export interface OrderReport extends OrderRecords {
  orderId: string;
  /** What its workflow says; absent where Temporal does not know the order any more. */
  view?: OrderStatusView;
  /** All that are open: the order's own, and a finding's. */
  tasks: OpenTask[];
  /** Where its workflow did not answer: view and tasks are then not known. */
  unanswered?: DispatchUnavailable;
}

/**
 * Reports on an order. Where a database was read, a workflow that does not answer is a part of the report.
 *
 * @throws OrderNotFound where nobody knows it; DispatchUnavailable where Temporal or a worker does not
 * answer, and no database was read.
 */
export async function reportOrder(
  session: OperatorSession,
  urls: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<OrderReport> {
  const records = await readOrderRecords(session, urls, orderId);
  try {
    const [view, tasks = []] = await Promise.all([
      readView(session, records, orderId),
      findOpenTasks(session, orderId),
    ]);
    return { orderId, ...(view && { view }), ...records, tasks };
  } catch (error) {
    if (!(error instanceof DispatchUnavailable) || records.row === undefined) throw error;
    return { orderId, ...records, tasks: [], unanswered: error };
  }
}

/** What its workflow says. Where that is gone, the row that was read says it; a worker reads none for us. */
async function readView(
  session: OperatorSession,
  { row }: OrderRecords,
  orderId: string,
): Promise<OrderStatusView | undefined> {
  if (await isKnownToTemporal(session, orderId)) return session.orders.getOrder(orderId).status();
  if (row) return undefined;
  throw new OrderNotFound(orderId);
}

/**
 * Reads what was ordered, and what the databases say of it; no worker is needed for that.
 *
 * @throws DispatchUnavailable where Temporal is needed for it, and does not answer.
 */
export async function readOrderRecords(
  session: OperatorSession,
  urls: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<OrderRecords> {
  const rows = await readRows(urls, orderId);
  const order = rows.row
    ? (rows.row.order as unknown as Order)
    : await readStartedOrder(session, orderId);
  return { ...(order && { order }), ...rows };
}

async function readRows(
  { ordersDatabaseUrl, ...others }: Partial<OperatorDatabaseUrls>,
  orderId: string,
): Promise<Omit<OrderRecords, 'order'>> {
  if (ordersDatabaseUrl === undefined) return {};
  const urls = { ordersDatabaseUrl, ...others };
  try {
    return await withOperatorDatabases(urls, async ({ orders, dispatchView }) => {
      const row = await readOrderOverview(orders, orderId);
      if (!dispatchView || others.dispatchDatabaseUrl === undefined) return { row };
      const name = `the dispatch database at ${hostAndName(others.dispatchDatabaseUrl)}`;
      return { row, ...(await readDispatch(dispatchView, name, orderId)) };
    });
  } catch (error) {
    // Temporal may have enough to say.
    if (error instanceof DatabaseUnavailable || error instanceof InvalidConfiguration) {
      return { unread: error.message };
    }
    throw error;
  }
}

/** The order's own row is worth having without it. */
async function readDispatch(
  view: DispatchView,
  name: string,
  orderId: string,
): Promise<Pick<OrderRecords, 'dispatch' | 'unread'>> {
  try {
    const dispatches = await naming(name, () => findDispatchRows(view, [orderId]));
    return { dispatch: dispatches.get(orderId) ?? null };
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return { unread: error.message };
    throw error;
  }
}

/** The order that its workflow was started with. */
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
