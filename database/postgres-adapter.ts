import { PrismaPg } from '@prisma/adapter-pg';

/** How a pool of connections is opened. */
export interface PoolOptions {
  url: string;
  /** @default 10 */
  maximumConnections?: number;
}

/** How long a connection may take to open, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

/** A pool of connections whose statements are prepared once per connection; the first one connects. */
export function postgresAdapter({ url, maximumConnections = 10 }: PoolOptions): PrismaPg {
  return new PrismaPg(
    {
      connectionString: url,
      max: maximumConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    },
    { statementNameGenerator: ({ sql }) => statementName(sql) },
  );
}

/**
 * PostgreSQL keeps a prepared statement as long as its connection. Ours are a few dozen; Prisma writes
 * a list of another length as another statement, so that they need a limit.
 */
const STATEMENTS_MAX = 200;

const names = new Map<string, string>();

/** A name for each of the first statements; '' leaves a statement unprepared. */
function statementName(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  if (names.size >= STATEMENTS_MAX) return '';
  const name = `statement_${names.size}`;
  names.set(sql, name);
  return name;
}
