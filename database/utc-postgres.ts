import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlQueryable } from '@prisma/driver-adapter-utils';
import { Client, type ClientConfig, type PoolClient, type PoolConfig } from 'pg';
import { toUtc, withOffsets } from './utc-times';

/**
 * Prisma's adapter, but right about times, whichever time zone the session has. All access to a
 * database of ours is through it. It neither sets the session's time zone nor asks for one at the start,
 * since a pooler in between loses the one and refuses the other.
 */
export class UtcPostgres extends PrismaPg {
  constructor(config: PoolConfig, options?: ConstructorParameters<typeof PrismaPg>[1]) {
    super({ ...config, Client: UtcClient }, options);
  }

  override connect(): ReturnType<PrismaPg['connect']> {
    return super.connect().then((connection) => {
      connection.underlyingDriver().on('release', closeUnlessIdle);
      const startTransaction = connection.startTransaction.bind(connection);
      connection.startTransaction = async (isolationLevel) =>
        sendOffsets(await startTransaction(isolationLevel));
      return sendOffsets(connection);
    });
  }
}

function sendOffsets<Connection extends SqlQueryable>(connection: Connection): Connection {
  const queryRaw = connection.queryRaw.bind(connection);
  const executeRaw = connection.executeRaw.bind(connection);
  connection.queryRaw = (query) => queryRaw(withOffsets(query));
  connection.executeRaw = (query) => executeRaw(withOffsets(query));
  return connection;
}

/** A connection whose transaction was not ended would take what is asked next into it. */
function closeUnlessIdle(_error: Error | undefined, connection: PoolClient): void {
  if (connection.getTransactionStatus() !== 'I') void (connection as unknown as Client).end();
}

/** How a column's text becomes a value, by the type's OID. */
type GetTypeParser = (oid: number, format: string) => (text: string) => unknown;

/** A connection whose results have their times in UTC, and that is closed when it can serve no more. */
class UtcClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    const inUtc = (asked: unknown, ...rest: unknown[]) => {
      const answer = query(readInUtc(asked), ...rest);
      // With a callback it is the pool that asks, and closes what failed.
      return answer instanceof Promise
        ? answer.catch((error: unknown) => this.fail(error))
        : answer;
    };
    this.query = inUtc as typeof this.query;
  }

  /**
   * Closes the connection if its server does not answer, or is not the primary any more (25006): the pool closes
   * only those whose failure it saw, and of a transaction it sees none. Its ROLLBACK may never be sent.
   */
  private fail(error: unknown): never {
    const { message, code } = error as { message?: string; code?: string };
    if (message === 'Query read timeout' || code === '25006') void this.end();
    throw error;
  }
}

/** The same question, of whose answer the adapter gets each time in UTC. */
function readInUtc(asked: unknown): unknown {
  const given = (asked as { types?: { getTypeParser: GetTypeParser } }).types?.getTypeParser;
  if (!given) return asked;
  const getTypeParser: GetTypeParser = (oid, format) => {
    if (format !== 'text') return given(oid, format);
    if (oid === TIMESTAMPTZ) return toUtc;
    if (oid !== TIMESTAMPTZ_ARRAY) return given(oid, format);
    const parseTexts = given(TEXT_ARRAY, format);
    return (text) =>
      (parseTexts(text) as (string | null)[]).map((each) => (each === null ? null : toUtc(each)));
  };
  return { ...(asked as object), types: { getTypeParser } };
}

/** Of PostgreSQL's catalogue, which never changes them. */
const TIMESTAMPTZ = 1184;
const TIMESTAMPTZ_ARRAY = 1185;
const TEXT_ARRAY = 1009;
