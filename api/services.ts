import { defined } from '../domain/defined';
import {
  openOperatorDatabases,
  withOperatorDatabases,
  type OpenedDatabases,
  type OperatorDatabases,
} from '../operations/open-databases';
import { openOperatorSession, type OperatorSession } from '../operations/operator-session';
import { keepReplays, type Replays } from '../operations/replays';
import { watchChanges, type ChangeWatch } from '../operations/watch-changes';
import type { ApiConfig } from '../runtime/api-config';
import { readErasureKey } from '../runtime/config';
import type { Logger } from '../runtime/logger';
import { loadDataConverter } from '../temporal/codec-module';

/** What the routes work with: each opened once, for the life of the process. */
export interface ApiServices {
  session: OperatorSession;
  databases: OpenedDatabases;
  amqpUrl: string;
  log: Logger;
  replays: Replays;
  changes: ChangeWatch;
  /** Keys the hash that an erasure keeps of a customer ID. */
  erasureKey: string | undefined;
  /** Does something with the databases; an outage of one comes out as DatabaseUnavailable. */
  withDatabases: <Result>(
    work: (databases: OperatorDatabases) => Promise<Result>,
  ) => Promise<Result>;
  close: () => Promise<void>;
}

/** Connections to one database: many read at once, and none for long. */
const POOL = { maximumConnections: 8, statementTimeoutMs: 15_000 };

/**
 * Opens what the routes work with. Nothing has to be up for it: whatever is away is found out by the
 * request that needs it.
 */
export async function openApiServices(
  config: Pick<ApiConfig, 'temporal' | 'amqpUrl' | 'ordersDatabaseUrl' | 'dispatchDatabaseUrl'>,
  { log, lookEveryMs }: { log: Logger; lookEveryMs?: number },
): Promise<ApiServices> {
  const { temporal, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl } = config;
  const { codecModule } = temporal;
  const session = await openOperatorSession({
    access: temporal,
    lazy: true,
    ...(codecModule !== undefined && { dataConverter: loadDataConverter(codecModule) }),
  });
  const databases = openOperatorDatabases(
    { ordersDatabaseUrl, ...defined({ dispatchDatabaseUrl }) },
    POOL,
  );
  const changes = watchChanges(databases.opened.orders, defined({ everyMs: lookEveryMs }));
  return {
    session,
    databases,
    amqpUrl,
    log,
    replays: keepReplays(),
    changes,
    erasureKey: readErasureKey(),
    // Whatever reads the dispatch database, too, says so where that is away.
    withDatabases: (work) =>
      withOperatorDatabases({ ordersDatabaseUrl, opened: databases.opened }, work),
    close: async () => {
      changes.close();
      await Promise.all([session.close(), databases.close()]);
    },
  };
}
