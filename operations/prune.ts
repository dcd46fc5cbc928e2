import { refuseAdoptersDatabase } from './adopters-database';
import {
  PRUNED_DISPATCH_TABLES,
  deleteOldRows,
  findOldRows,
  type OldRow,
  type PrunedDispatchTable,
} from '../database/dispatch/retention';
import {
  PRUNED_ORDERS_TABLES,
  countExpired,
  deleteExpired,
  findLastingOrders,
  type Cutoffs,
  type PrunedOrdersTable,
} from '../database/orders/retention';
import type { OperatorDatabases } from './open-databases';
import type { RetainedTable, Retention } from './prune-retention';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** What pruning made, or would make, of a table. */
export interface PrunedTable {
  database: 'orders' | 'dispatch';
  table: RetainedTable;
  /** For how many days its rows are kept. */
  days: number;
  /** ISO 8601: what changed last before then goes. */
  before: string;
  /** How many rows were deleted, or would be. */
  rows: number;
}

/** How {@link prune} works. */
export interface PruneOptions {
  retention: Retention;
  /** How many rows a transaction deletes at most. */
  batchSize: number;
  /** Counts, and deletes nothing. */
  dryRun: boolean;
  now: Date;
  /** Stops between two batches; every state in between is consistent. */
  signal?: AbortSignal;
  /** After each batch: how many rows of the table went so far. */
  onProgress?: (progress: { table: RetainedTable; rows: number }) => void;
}

/**
 * Deletes what has outlived its retention, table by table, in short transactions, the oldest rows
 * first. The orders go first, and what must outlive them only once they are gone: so it can be
 * stopped, killed and run again at any time.
 *
 * @returns what went from each table; with `interrupted`, the tables that it got to.
 */
export async function prune(
  databases: OperatorDatabases,
  options: PruneOptions,
): Promise<{ interrupted: boolean; tables: PrunedTable[] }> {
  const { retention, now, signal, onProgress } = options;
  const before = (table: RetainedTable) => new Date(now.getTime() - retention[table] * DAY_MS);
  const cutoffs = Object.fromEntries(
    PRUNED_ORDERS_TABLES.map((table) => [table, before(table)]),
  ) as Cutoffs;
  if (databases.dispatch) await refuseAdoptersDatabase(databases.dispatch);
  const plan: { database: PrunedTable['database']; table: RetainedTable; deletions: Deletions }[] =
    [
      ...PRUNED_ORDERS_TABLES.map((table) => ({
        database: 'orders' as const,
        table,
        deletions: ordersDeletions(databases, { table, cutoffs }, options),
      })),
      ...(databases.dispatch ? PRUNED_DISPATCH_TABLES : []).map((table) => ({
        database: 'dispatch' as const,
        table,
        deletions: dispatchDeletions(databases, { table, cutoffs, before: before(table) }, options),
      })),
    ];
  const tables: PrunedTable[] = [];
  for (const { database, table, deletions } of plan) {
    if (signal?.aborted) break;
    let rows = 0;
    for await (const deleted of deletions) {
      rows += deleted;
      onProgress?.({ table, rows });
      if (signal?.aborted) break;
    }
    const { [table]: days } = retention;
    tables.push({ database, table, days, before: before(table).toISOString(), rows });
  }
  return { interrupted: signal?.aborted ?? false, tables };
}

/** How many rows each batch deleted, or would delete. Nothing is done until the next is asked for. */
type Deletions = AsyncGenerator<number, void, undefined>;

async function* ordersDeletions(
  { orders }: OperatorDatabases,
  given: { table: PrunedOrdersTable; cutoffs: Cutoffs },
  { dryRun, batchSize }: PruneOptions,
): Deletions {
  if (dryRun) {
    yield await countExpired(orders, given);
    return;
  }
  for (;;) {
    const rows = await deleteExpired(orders, { ...given, limit: batchSize });
    if (rows > 0) yield rows;
    if (rows < batchSize) return;
  }
}

/** No constraint spans the two databases, so the order database is asked about every batch. */
async function* dispatchDeletions(
  { orders, dispatch }: OperatorDatabases,
  given: { table: PrunedDispatchTable; cutoffs: Cutoffs; before: Date },
  { dryRun, batchSize }: PruneOptions,
): Deletions {
  if (!dispatch) return;
  const { table, cutoffs, before } = given;
  let after: OldRow | undefined;
  do {
    const old = await findOldRows(dispatch, { table, before, limit: batchSize, after });
    const orderIds = [...new Set(old.map(({ orderId }) => orderId))];
    const lasting = await findLastingOrders(orders, { orderIds, cutoffs });
    const rows = old.filter(({ orderId }) => !lasting.has(orderId));
    yield dryRun ? rows.length : await deleteOldRows(dispatch, { table, before, rows });
    after = old.length < batchSize ? undefined : old.at(-1);
  } while (after);
}
