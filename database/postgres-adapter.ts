import { defined } from '../domain/defined';
import { ConnectionClosed } from '../domain/errors';
import { connectionConfig } from './connection-config';
import { UtcPostgres } from './utc-postgres';

/** How a pool of connections is opened. */
export interface PoolOptions {
  /** With `pgbouncer=true`, as Prisma has it, where a PgBouncer in transaction mode is in between. */
  url: string;
  /** @default 10 */
  maximumConnections?: number;
  /** How long a statement may take before the server cancels it, in ms. @default 8000 */
  statementTimeoutMs?: number;
  /** How long a statement may wait for a lock, in ms. @default as long as the statement may take */
  lockTimeoutMs?: number;
  /** How long a transaction may do nothing, in ms. @default 60000 */
  idleInTransactionTimeoutMs?: number;
}

/**
 * How long a transaction may do nothing before the server ends it, in ms: that of a process that stands still
 * would keep its locks. A replay waits in its transaction for a confirm, 30 s at most.
 */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

/** How long a connection may take to open, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

/** How long an idle connection is kept, in ms: opening one costs PostgreSQL as much as ten orders. */
const IDLE_TIMEOUT_MS = 5 * 60_000;

/**
 * How much later than the server's our own timeout is, in ms. It is for a server that says nothing any
 * more, such as a host that vanished; it gives the connection up, and cancels nothing over there.
 */
const SILENCE_MS = 2_000;

/**
 * A pool of connections whose statements are prepared once per connection; the first one connects. A
 * PgBouncer would find no statement by its name again, and refuses a connection that sets timeouts: there
 * is none of either then but our own. Once the pool is closed, a statement is refused: Prisma would open
 * it anew, and leave it open.
 */
export function postgresAdapter(options: PoolOptions): UtcPostgres {
  const { url, maximumConnections = 10, statementTimeoutMs = 8_000 } = options;
  const { config, isPooled } = connectionConfig(url);
  const adapter = new UtcPostgres(
    {
      ...config,
      max: maximumConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      query_timeout: statementTimeoutMs + SILENCE_MS,
      ...(!isPooled && {
        statement_timeout: statementTimeoutMs,
        idle_in_transaction_session_timeout:
          options.idleInTransactionTimeoutMs ?? IDLE_IN_TRANSACTION_TIMEOUT_MS,
        ...defined({ lock_timeout: options.lockTimeoutMs }),
      }),
    },
    isPooled ? {} : { statementNameGenerator: ({ sql }) => statementName(sql) },
  );
  const connect = adapter.connect.bind(adapter);
  let isOpened = false;
  adapter.connect = async () => {
    if (isOpened) throw new ConnectionClosed('the pool of connections is closed');
    isOpened = true;
    return connect();
  };
  return adapter;
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
