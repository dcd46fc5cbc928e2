import { escapeLiteral } from 'pg';
import { DEFAULT_POLICY } from '../../client';
import { newOrder } from '../order';
import { query } from '../../stack/servers/query';
import type { Surroundings } from '../servers';

/** The newest old order's age; each further one is a second older. */
const AGE = '40 days';

/** Fills both databases with orders that were dispatched long ago, as many in every table. */
export async function writeOldOrders(surroundings: Surroundings, count: number): Promise<void> {
  const { ordersDatabaseUrl, dispatchDatabaseUrl } = surroundings;
  const old = `
    CREATE TEMPORARY TABLE old AS
    SELECT n, 'old-' || n AS id, 'old-' || n || '.1' AS request, 'courier-' || n % 20 AS courier,
      now() - interval '${AGE}' - n * interval '1 second' AS at
    FROM generate_series(1, ${count}) AS n;`;
  await query(ordersDatabaseUrl, old + INTO_ORDERS_DATABASE);
  await query(dispatchDatabaseUrl, old + INTO_DISPATCH_DATABASE);
  // As autovacuum would have done in those days.
  await query(ordersDatabaseUrl, 'VACUUM ANALYZE');
  await query(dispatchDatabaseUrl, 'VACUUM ANALYZE');
}

const json = (value: object) => `${escapeLiteral(JSON.stringify(value))}::jsonb`;

const INTO_ORDERS_DATABASE = `
  INSERT INTO orders (order_id, content_hash, "order", policy, status, attempts, dispatch_by,
    courier_id, dispatched_by, created_at, updated_at)
  SELECT id, md5(id),
    ${json(newOrder('old'))} || jsonb_build_object('orderId', id, 'customerId', 'customer-' || n % 100000),
    ${json(DEFAULT_POLICY)}, 'dispatched', 1, at + interval '45 minutes',
    courier, 'acknowledgement', at, at FROM old;
  INSERT INTO acknowledgements (message_id, request_id, order_id, outcome, courier_id, decided_at,
    class, received_at)
  SELECT gen_random_uuid(), request, id, 'accepted', courier, at, 'first', at FROM old;`;

const INTO_DISPATCH_DATABASE = `
  INSERT INTO dispatches (order_id, request_id, content_hash, courier_id, created_at, updated_at)
  SELECT id, request, md5(id), courier, at, at FROM old;
  INSERT INTO inbox (request_id, order_id, answer, received_at)
  SELECT request, id, jsonb_build_object('requestId', request, 'orderId', id, 'outcome', 'accepted',
    'courierId', courier, 'decidedAt', at), at FROM old;`;
