import { prismaOf, type DispatchDatabase } from './connection';
import { Prisma } from './generated/client';

/** The tables of the dispatch database that are pruned, in the order in which it is done. */
export const PRUNED_DISPATCH_TABLES = ['dispatches', 'inbox'] as const;

/** A table of the dispatch database that is pruned. */
export type PrunedDispatchTable = (typeof PRUNED_DISPATCH_TABLES)[number];

/** A row that is old enough to go; it has expired where its order is gone, too. */
export interface OldRow {
  /** A dispatch's ID, or the request ID of an answer. */
  key: string;
  orderId: string;
  /** By which the oldest come first, together with the key. */
  at: Date;
}

/** Finds up to `limit` rows from before a time, the oldest first, from those after `after` on. */
export async function findOldRows(
  database: DispatchDatabase,
  given: { table: PrunedDispatchTable; before: Date; limit: number; after?: OldRow | undefined },
): Promise<OldRow[]> {
  const { table, before, limit, after } = given;
  const { name, key, keyType, age } = COLUMNS[table];
  const beyond = after
    ? Prisma.sql`AND (${age}, ${key}) > (${after.at}, ${after.key}::${keyType})`
    : Prisma.empty;
  return prismaOf(database).$queryRaw<OldRow[]>`
    SELECT ${key}::text AS key, order_id AS "orderId", ${age} AS at FROM ${name}
    WHERE ${isOld(table, before)} ${beyond} ORDER BY ${age}, ${key} LIMIT ${limit}`;
}

/** Deletes those of these rows that are still old enough. @returns how many. */
export function deleteOldRows(
  database: DispatchDatabase,
  given: { table: PrunedDispatchTable; before: Date; rows: readonly OldRow[] },
): Promise<number> {
  const { table, before, rows } = given;
  const { name, key, keyType } = COLUMNS[table];
  const keys = rows.map((row) => row.key);
  return prismaOf(database).$executeRaw`
    DELETE FROM ${name}
    WHERE ${key} = ANY(${keys}::text[]::${keyType}[]) AND ${isOld(table, before)}`;
}

/** The age is by a column that never changes and has an index; a withdrawn dispatch did change. */
const COLUMNS = {
  dispatches: columns('dispatches', 'id', 'bigint', 'created_at'),
  inbox: columns('inbox', 'request_id', 'text', 'received_at'),
} as const satisfies Record<PrunedDispatchTable, unknown>;

function columns(name: string, key: string, keyType: string, age: string) {
  const raw = (text: string) => Prisma.raw(text);
  return { name: raw(name), key: raw(key), keyType: raw(keyType), age: raw(age) };
}

function isOld(table: PrunedDispatchTable, before: Date): Prisma.Sql {
  return table === 'dispatches'
    ? Prisma.sql`created_at < ${before} AND updated_at < ${before}`
    : Prisma.sql`received_at < ${before}`;
}
