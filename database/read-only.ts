import type {
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
} from '@prisma/driver-adapter-utils';

/**
 * The same pool, each of whose statements runs in a read-only transaction of its own. A session that is
 * read-only by default would be no promise: behind a pooler the next statement may run in another one.
 */
export function readOnly(pool: SqlDriverAdapterFactory): SqlDriverAdapterFactory {
  const { provider, adapterName } = pool;
  return {
    provider,
    adapterName,
    connect: async () => {
      const connection = await pool.connect();
      connection.queryRaw = (query) => read(connection, query);
      connection.executeRaw = () => Promise.reject(new Error('this pool only reads'));
      return connection;
    },
  };
}

async function read(connection: SqlDriverAdapter, query: SqlQuery) {
  const transaction = await connection.startTransaction();
  const run = (sql: string) => transaction.executeRaw({ sql, args: [], argTypes: [] });
  try {
    await run('SET TRANSACTION READ ONLY');
    return await transaction.queryRaw(query);
  } finally {
    // Nothing was written, and a transaction that failed is rolled back by it, too.
    await run('COMMIT').catch(() => undefined);
    await transaction.commit();
  }
}
