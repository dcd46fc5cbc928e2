import { isDeepStrictEqual } from 'node:util';
import { openOrdersDatabase, type OrdersDatabase } from '../database/orders/connection';
import { findOrder } from '../database/orders/read-order';
import { listRepairs, type RepairRecord } from '../database/orders/repairs';
import type { Order } from '../domain/order';
import { reconcileOrderWorkflowId } from '../domain/temporal-names';
import { query } from '../stack/servers/query';
import {
  StoryFailed,
  eventually,
  expectResult,
  resultOf,
  showWhereToLook,
  type Outcome,
  type Scene,
} from './scene';

/**
 * How old a request of the demo is when the supplement system looks at it, in ms: short for whoever
 * waits, long enough to delete the row first.
 */
export const DEMO_GRACE_MS = 5_000;

/** The story of an order whose row is deleted behind the service's back, and comes back by itself. */
export async function rowComesBack(scene: Scene, order: Order): Promise<Outcome> {
  const { ordersDatabaseUrl, dispatchDatabaseUrl } = scene.details;
  const orders = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 2 });
  try {
    const { narrator, session } = scene;
    const { orderId } = order;
    await session.orders.placeOrder(order);
    const { courierId } = await resultOf(scene, orderId);
    narrator.say(
      `Order ${orderId} is dispatched with ${courierId}. Then the demo deletes its row, as if the order database had lost it, or somebody had made a mistake.`,
    );
    narrator.show('In the order database', `DELETE FROM orders WHERE order_id = '${orderId}';`);
    // Nothing of the service deletes a row of its own accord: this is a person with the password.
    await query(ordersDatabaseUrl, 'DELETE FROM orders WHERE order_id = $1', [orderId]);
    narrator.say(
      `Now a courier is on the way for an order that nobody knows, and its workflow has ended. But the supplement system got a copy of the request, and compares the two databases when the request is ${DEMO_GRACE_MS / 1000} seconds old (usually 30).`,
    );

    const repair = await untilRepaired(scene, orders, order);
    const result = await resultOf(scene, orderId);
    expectResult(result, {
      status: 'dispatched',
      dispatchedBy: 'acknowledgement',
      courierId: courierId as string,
      resolvedBy: null,
    });
    const { length: count } = await query(
      dispatchDatabaseUrl,
      'SELECT 1 FROM dispatches WHERE order_id = $1',
      [orderId],
    );
    if (count !== 1) throw new StoryFailed(`order ${orderId} has ${count} dispatches`);
    narrator.say(
      `The row is as it was: the same content, dispatched with ${result.courierId} as before. The dispatch database has one dispatch of it, as before. Nobody had to do anything, and what was done is recorded as repair ${repair.id}.`,
    );
    narrator.say(
      `Why that is safe: nothing writes "dispatched" into the row by hand. reconcileOrder waits a moment and looks again before it does anything; then it starts dispatchOrder with the copy, and the order goes the ordinary way once more. Its request goes out under the same request ID (${repair.provenance}), so the dispatch system repeats the answer that it stored, and sends no second courier.`,
    );
    showWhereToLook(scene, orderId, {
      workflowIds: [reconcileOrderWorkflowId(orderId)],
      words: [`repairs list --order ${orderId}`, `repairs show ${repair.id}`],
    });
    return { whatHappened: 'row deleted: came back', result };
  } finally {
    await orders.close();
  }
}

/** Tells each step of the repair as it happens, until the row is what it was. */
async function untilRepaired(
  { narrator, session }: Scene,
  orders: OrdersDatabase,
  order: Order,
): Promise<RepairRecord> {
  const { orderId } = order;
  const reconciliation = session.temporal.workflow.getHandle(reconcileOrderWorkflowId(orderId));
  await eventually(`the reconciliation of order ${orderId}`, () =>
    reconciliation.describe().catch(() => undefined),
  );
  narrator.step(
    'the supplement system finds the copy of a request without its order, and starts reconcileOrder',
  );
  const repair = await eventually(`the repair of order ${orderId}`, async () => {
    const [newest] = await listRepairs(orders, { filter: { orderId }, limit: 1 });
    return newest;
  });
  narrator.step(`reconcileOrder looks again: ${repair.found}`);
  narrator.step('reconcileOrder starts dispatchOrder again, with the copy');
  const row = await eventually(`the row of order ${orderId}`, async () => {
    const found = await findOrder(orders, orderId);
    return found?.state.status === 'dispatched' ? found : undefined;
  });
  if (!isDeepStrictEqual(row.order, order)) {
    throw new StoryFailed(`order ${orderId} came back with other content`);
  }
  narrator.step('the row is back, and dispatched');
  return repair;
}
