import { query } from '../../stack/servers/query';

/** Orders that were not dispatched exactly once. The numbers of this benchmark are worth nothing then. */
class WrongResult extends Error {
  override readonly name = 'WrongResult';
}

/**
 * Checks that every order was dispatched exactly once: one row in the dispatch database, withdrawn
 * ones included, and a row in the order database that says so.
 *
 * @throws WrongResult that says what is wrong with how many orders, and with which first.
 */
export async function checkDispatchedOnce(
  databases: { ordersDatabaseUrl: string; dispatchDatabaseUrl: string },
  orderIds: readonly string[],
): Promise<void> {
  const [orders, dispatches] = await Promise.all([
    query<{ id: string; status: string }>(
      databases.ordersDatabaseUrl,
      'SELECT order_id AS id, status FROM orders WHERE order_id = ANY($1)',
      [orderIds],
    ),
    query<{ id: string }>(
      databases.dispatchDatabaseUrl,
      'SELECT order_id AS id FROM dispatches WHERE order_id = ANY($1)',
      [orderIds],
    ),
  ]);
  const statuses = new Map(orders.map(({ id, status }) => [id, status]));
  const couriers = new Map<string, number>();
  for (const { id } of dispatches) couriers.set(id, (couriers.get(id) ?? 0) + 1);

  const faults = orderIds.flatMap((id) => {
    const status = statuses.get(id) ?? 'not recorded';
    const count = couriers.get(id) ?? 0;
    if (status === 'dispatched' && count === 1) return [];
    return [`order ${id} is ${status} and has ${count} dispatches`];
  });
  if (faults.length === 0) return;
  throw new WrongResult(
    `${faults.length} of ${orderIds.length} orders were not dispatched exactly once: ${faults.slice(0, 3).join('; ')}`,
  );
}
