import { openDispatchDatabase, type DispatchDatabase } from '../database/dispatch/connection';
import {
  findDispatchRows,
  openDispatchView,
  type DispatchView,
} from '../database/dispatch/dispatch-view';
import { isNotMigrated } from '../database/not-migrated';
import { openOrdersDatabase, type OrdersDatabase } from '../database/orders/connection';
import { lastDeadLetterId } from '../database/orders/dead-letters';
import { isDatabaseUnavailable } from '../database/fault';
import { defined } from '../domain/defined';
import { DatabaseUnavailable, InvalidConfiguration } from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';

/** The databases that an operator's command works on. */
export interface OperatorDatabases {
  orders: OrdersDatabase;
  /** Absent where nobody said where it is. */
  dispatch?: DispatchDatabase;
  /** The same, read-only. */
  dispatchView?: DispatchView;
}

/** Where the databases are. */
export interface OperatorDatabaseUrls {
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl?: string;
}

/** The databases of these URLs: the dispatch database is among them where its URL is. */
export type DatabasesOf<Urls extends OperatorDatabaseUrls> = Urls extends {
  dispatchDatabaseUrl: string;
}
  ? Required<OperatorDatabases>
  : OperatorDatabases;

/** One statement after the other, since a person waits; a walk through the tables takes its time. */
const POOL = { maximumConnections: 2, statementTimeoutMs: 5 * 60_000 };

/**
 * Opens the databases, asks each whether it answers, works, and closes them, whatever happens. With one
 * of them away nothing is done to the other.
 *
 * @throws {@link DatabaseUnavailable} where one does not answer, also in the middle of the work;
 * {@link InvalidConfiguration} where one is not migrated.
 */
export async function withOperatorDatabases<Urls extends OperatorDatabaseUrls, Result>(
  { ordersDatabaseUrl, dispatchDatabaseUrl }: Urls,
  work: (databases: DatabasesOf<Urls>) => Promise<Result>,
): Promise<Result> {
  const orders = openOrdersDatabase({ url: ordersDatabaseUrl, ...POOL });
  const dispatch =
    dispatchDatabaseUrl === undefined
      ? undefined
      : openDispatchDatabase({ url: dispatchDatabaseUrl, ...POOL });
  const dispatchView =
    dispatchDatabaseUrl === undefined
      ? undefined
      : openDispatchView({ url: dispatchDatabaseUrl, ...POOL });
  const databases = defined({ orders, dispatch, dispatchView }) as DatabasesOf<Urls>;
  const ordersName = `the order database at ${hostAndName(ordersDatabaseUrl)}`;
  const dispatchName =
    dispatchDatabaseUrl && `the dispatch database at ${hostAndName(dispatchDatabaseUrl)}`;
  try {
    await naming(ordersName, () => lastDeadLetterId(orders));
    if (dispatchView && dispatchName) {
      await naming(dispatchName, () => findDispatchRows(dispatchView, []));
    }
    const either = dispatchName ? `${ordersName} or ${dispatchName}` : ordersName;
    return await naming(either, () => work(databases));
  } finally {
    await Promise.all([orders.close(), dispatch?.close(), dispatchView?.close()]);
  }
}

/** Names the database in what it throws: Prisma's messages span many lines and quote the statement. */
export async function naming<Result>(
  database: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    // Before the question below, to which a missing table is an outage like any other.
    if (isNotMigrated(cause)) {
      throw new InvalidConfiguration(
        `${database} lacks a table or a column: run \`order-dispatch setup migrate\``,
        { cause },
      );
    }
    if (!isDatabaseUnavailable(cause)) throw cause;
    throw new DatabaseUnavailable(database, { why: 'it does not answer', cause });
  }
}
