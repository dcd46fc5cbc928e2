import type { Client } from '@temporalio/client';
import type { OrderDispatchClient } from '../client';
import { orderIdOfWorkflow } from '../domain/temporal-names';
import { query } from '../stack/servers/query';
import type { Customers } from './customers';
import type { Field } from './field';
import type { People } from './people';
import type { Strays } from './strays';

/** What the checks know of a run. */
export interface Witness {
  field: Field;
  client: OrderDispatchClient;
  temporal: Client;
  customers: Customers;
  people: People;
  strays: Strays;
  /** Orders whose rows were deleted behind our back. */
  deleted: ReadonlySet<string>;
}

/** An order's row, as far as it is looked at. */
export interface OrderRow {
  orderId: string;
  status: string;
  dispatchedBy: string | null;
  decidedBy: string | null;
  escalationReason: string | null;
}

/** What databases and Temporal say once it is over. */
export interface Facts extends Witness {
  rows: ReadonlyMap<string, OrderRow>;
  /** Orders about which a task is open. */
  asked: ReadonlySet<string>;
  live: { orderId: string }[];
  /** Stored answers. */
  inbox: { requestId: string; orderId: string }[];
  ledger: { requestId: string; orderId: string; class: string; outcome: string }[];
  /** Each order's events about its status, in order. */
  events: ReadonlyMap<string, string[]>;
}

/** Reads what the checks look at. */
export async function gather(witness: Witness): Promise<Facts> {
  const { ordersDatabaseUrl, dispatchDatabaseUrl } = witness.field.direct;
  const [rows, live, inbox, ledger, events] = await Promise.all([
    query<OrderRow>(
      ordersDatabaseUrl,
      `SELECT order_id AS "orderId", status, dispatched_by AS "dispatchedBy",
         decided_by AS "decidedBy", escalation_reason AS "escalationReason" FROM orders`,
    ),
    query<Facts['live'][number]>(
      dispatchDatabaseUrl,
      `SELECT order_id AS "orderId" FROM dispatches WHERE status = 'live'`,
    ),
    query<Facts['inbox'][number]>(
      dispatchDatabaseUrl,
      'SELECT request_id AS "requestId", order_id AS "orderId" FROM inbox',
    ),
    query<Facts['ledger'][number]>(
      ordersDatabaseUrl,
      `SELECT request_id AS "requestId", order_id AS "orderId", class, outcome FROM acknowledgements`,
    ),
    eventsOf(witness.field),
  ]);
  const asked = new Set<string>();
  for await (const { taskId } of witness.client.humanTasks()) {
    asked.add(orderIdOfWorkflow(taskId) ?? taskId);
  }
  return {
    ...witness,
    rows: new Map(rows.map((row) => [row.orderId, row])),
    asked,
    live,
    inbox,
    ledger,
    events,
  };
}

async function eventsOf({ direct }: Field): Promise<Map<string, string[]>> {
  const rows = await query<{ orderId: string; types: string[] }>(
    direct.ordersDatabaseUrl,
    `SELECT subject AS "orderId", array_agg(type ORDER BY id) AS types FROM outcome_events
     WHERE type LIKE 'order.%' GROUP BY subject`,
  );
  return new Map(rows.map(({ orderId, types }) => [orderId, types]));
}
