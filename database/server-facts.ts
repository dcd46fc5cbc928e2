import { postgresAdapter } from './postgres-adapter';

/** What a database server says of itself. */
export interface ServerFacts {
  version: string;
  /** How far its clock is ahead of ours, in ms; right to within half of the round trip. */
  clockAheadMs: number;
  /** What we lack on our tables, such as `DELETE on orders`. */
  missingPrivileges: string[];
  /** Whether it ends a transaction that does nothing, as we set it, or the role. */
  endsIdleTransactions: boolean;
}

/**
 * Asks a database server about itself.
 *
 * @throws where it cannot be reached.
 */
export async function readServerFacts(url: string): Promise<ServerFacts> {
  const database = await postgresAdapter({ url, maximumConnections: 1 }).connect();
  const rows = async (sql: string) =>
    (await database.queryRaw({ sql, args: [], argTypes: [] })).rows as string[][];
  try {
    // The first connects, and would make the round trip long.
    const [[version = 'unknown'] = []] = await rows('SHOW server_version');
    const asked = Date.now();
    const [[clock = ''] = []] = await rows('SELECT clock_timestamp()');
    const answered = Date.now();
    const missing = await rows(MISSING_PRIVILEGES);
    const [[idleTimeout] = []] = await rows('SHOW idle_in_transaction_session_timeout');
    return {
      version,
      clockAheadMs: Math.round(Date.parse(clock) - (asked + answered) / 2),
      missingPrivileges: missing.map(([privilege]) => privilege ?? ''),
      endsIdleTransactions: idleTimeout !== '0',
    };
  } finally {
    await database.dispose();
  }
}

/** On all tables of the schema that unqualified names mean, but for the one of the migrations. */
const MISSING_PRIVILEGES = `
  SELECT privilege || ' on ' || relname
  FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
  WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    AND relname <> '_prisma_migrations' AND NOT has_table_privilege(pg_class.oid, privilege)
  ORDER BY 1`;
