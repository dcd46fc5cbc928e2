import { openDispatchDatabase, type DispatchDatabase } from '../database/dispatch/connection';
import { openDispatchView, type DispatchView } from '../database/dispatch/dispatch-view';
import { openOrdersDatabase, type OrdersDatabase } from '../database/orders/connection';
import { isDatabaseUnavailable } from '../database/unavailable';

/** The databases that an operator's command works on. */
export interface OperatorDatabases {
  orders: OrdersDatabase;
  /** Absent where nobody said where it is. */
  dispatch?: DispatchDatabase;
  /** The same, read-only. */
  dispatchView?: DispatchView;
}

/** Why a database did not serve: nothing answers there, or it lacks what a migration brings. */
class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';

  constructor(
    readonly code: 'databaseUnreachable' | 'databaseNotMigrated',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** One statement after the other: a person waits. */
const MAXIMUM_CONNECTIONS = 2;

/**
 * Opens the databases, works, and closes them, whatever happens.
 *
 * @throws {@link DatabaseFailure} where one cannot be reached, or is not migrated.
 */
export async function withOperatorDatabases<Result>(
  urls: { orders: string; dispatch?: string },
  work: (databases: OperatorDatabases) => Promise<Result>,
): Promise<Result> {
  const maximumConnections = MAXIMUM_CONNECTIONS;
  const orders = openOrdersDatabase({ url: urls.orders, maximumConnections });
  const dispatch =
    urls.dispatch === undefined
      ? undefined
      : openDispatchDatabase({ url: urls.dispatch, maximumConnections });
  const dispatchView =
    urls.dispatch === undefined ? undefined : openDispatchView({ url: urls.dispatch });
  try {
    return await work({
      orders,
      ...(dispatch && { dispatch }),
      ...(dispatchView && { dispatchView }),
    });
  } catch (error) {
    throw toDatabaseFailure(error);
  } finally {
    await Promise.all([orders.close(), dispatch?.close(), dispatchView?.close()]);
  }
}

/** Prisma's messages span many lines and quote the statement. */
function toDatabaseFailure(cause: unknown): unknown {
  if (isDatabaseUnavailable(cause)) {
    return new DatabaseFailure('databaseUnreachable', 'a database does not answer just now', {
      cause,
    });
  }
  const { code, meta } = cause as { code?: unknown; meta?: unknown };
  // No such table or column, by Prisma's code or, in a statement of our own, by PostgreSQL's.
  if (/P2021|P2022|42P01|42703/.test(`${String(code)} ${JSON.stringify(meta ?? '')}`)) {
    return new DatabaseFailure(
      'databaseNotMigrated',
      'a database lacks a table or a column: run `order-dispatch setup migrate`',
      { cause },
    );
  }
  return cause;
}
