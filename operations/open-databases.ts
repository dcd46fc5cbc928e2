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
import type { PoolOptions } from '../database/postgres-adapter';
import { defined } from '../domain/defined';
import { DatabaseUnavailable, InvalidConfiguration, OrderDispatchError } from '../domain/errors';
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
  /** Those that are open already: they are worked on, and left open. */
  opened?: OperatorDatabases;
}

/** Databases that stay open, for a process that lives on; it passes them where URLs are taken. */
export interface OpenedDatabases extends OperatorDatabaseUrls {
  opened: OperatorDatabases;
  close: () => Promise<void>;
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
 * Opens a pool for each of the databases, without a look whether it answers: the first statement
 * connects.
 */
export function openOperatorDatabases(
  urls: OperatorDatabaseUrls,
  pool: Omit<PoolOptions, 'url'>,
): OpenedDatabases {
  const { ordersDatabaseUrl, dispatchDatabaseUrl: dispatchUrl } = urls;
  const orders = openOrdersDatabase({ url: ordersDatabaseUrl, ...pool });
  const dispatch = dispatchUrl ? openDispatchDatabase({ url: dispatchUrl, ...pool }) : undefined;
  const dispatchView = dispatchUrl ? openDispatchView({ url: dispatchUrl, ...pool }) : undefined;
  return {
    ...urls,
    opened: defined({ orders, dispatch, dispatchView }),
    close: async () => {
      await Promise.all([orders.close(), dispatch?.close(), dispatchView?.close()]);
    },
  };
}

/**
 * Opens the databases, asks each whether it answers, works, and closes them, whatever happens. With one
 * of them away nothing is done to the other. Those that are open already are worked on as they are.
 *
 * @throws {@link DatabaseUnavailable} where one does not answer, also in the middle of the work;
 * {@link InvalidConfiguration} where one is not migrated.
 */
export async function withOperatorDatabases<Urls extends OperatorDatabaseUrls, Result>(
  urls: Urls,
  work: (databases: DatabasesOf<Urls>) => Promise<Result>,
): Promise<Result> {
  const { ordersDatabaseUrl, dispatchDatabaseUrl } = urls;
  const ordersName = `the order database at ${hostAndName(ordersDatabaseUrl)}`;
  const dispatchName =
    dispatchDatabaseUrl && `the dispatch database at ${hostAndName(dispatchDatabaseUrl)}`;
  const either = dispatchName ? `${ordersName} or ${dispatchName}` : ordersName;
  if (urls.opened) {
    const { opened } = urls;
    return naming(either, () => work(opened as DatabasesOf<Urls>));
  }
  const { opened, close } = openOperatorDatabases(urls, POOL);
  const { orders, dispatchView } = opened;
  try {
    await naming(ordersName, () => lastDeadLetterId(orders));
    if (dispatchView && dispatchName) {
      await naming(dispatchName, () => findDispatchRows(dispatchView, []));
    }
    return await naming(either, () => work(opened as DatabasesOf<Urls>));
  } finally {
    await close();
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
    const refused = refusedByUs(cause);
    if (refused !== undefined) throw new InvalidConfiguration(refused, { cause });
    if (!isDatabaseUnavailable(cause)) throw cause;
    throw new DatabaseUnavailable(database, { why: 'it does not answer', cause });
  }
}

/** What our adapter says of a time that it cannot read; Prisma keeps its code, and the last line of its words. */
function refusedByUs(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof OrderDispatchError) return undefined;
  const isOurs = 'code' in error && error.code === 'InvalidConfiguration';
  return isOurs ? error.message.split('\n').at(-1) : undefined;
}
