import type { OperatorDatabases } from '../operations/open-databases';
import { readDatabaseUrls, type DatabaseUrls } from '../runtime/config';
import type { StackFile } from '../runtime/stack-file';
import { UsageError } from './exit';
import { say } from './output';
import { findLocalStack } from './session';

/** Who may say which databases `setup migrate` brings up to date. */
export const DATABASE_SOURCES = ['environment', 'local-stack'] as const;

/** Who says which databases `setup migrate` brings up to date. */
export type DatabaseSource = (typeof DATABASE_SOURCES)[number];

/** The databases to bring up to date, and for a person where they are. */
export interface DatabaseTarget {
  urls: DatabaseUrls;
  description: string;
}

type LocalStack = Pick<StackFile, 'ordersDatabaseUrl' | 'dispatchDatabaseUrl'>;

/**
 * Decides which databases to bring up to date: those that the environment names, else those of the
 * local stack.
 *
 * @throws {@link UsageError} where there are none, or where the environment names others than a
 * running local stack has and `from` does not choose.
 */
export function resolveDatabases(given: {
  from: DatabaseSource | undefined;
  environment: DatabaseUrls;
  stack: LocalStack | undefined;
}): DatabaseTarget {
  const { from, environment } = given;
  const local = given.stack && {
    orders: given.stack.ordersDatabaseUrl,
    dispatch: given.stack.dispatchDatabaseUrl,
  };
  const hasEnvironment = environment.orders !== undefined || environment.dispatch !== undefined;
  if (from === 'local-stack' || (from === undefined && !hasEnvironment)) {
    if (local) return describe('local stack', local);
    throw new UsageError(
      from
        ? 'no local stack runs: start it with `npm run up`'
        : 'no database is given: set ORDERS_DATABASE_URL or DISPATCH_DATABASE_URL, or start the local stack with `npm run up`',
    );
  }
  if (!hasEnvironment) {
    throw new UsageError('neither ORDERS_DATABASE_URL nor DISPATCH_DATABASE_URL is set');
  }
  const differs =
    local !== undefined &&
    (differ(environment.orders, local.orders) || differ(environment.dispatch, local.dispatch));
  if (differs && from === undefined) {
    throw new UsageError(
      'ORDERS_DATABASE_URL or DISPATCH_DATABASE_URL is not the database of the local stack that runs: choose with --from environment or --from local-stack',
    );
  }
  return describe('environment', environment);
}

/**
 * Says which databases the command works on, opens them, works, and closes them, whatever happens.
 *
 * @throws {@link UsageError} where the order database is not among them.
 */
export async function withDatabases<Result>(
  from: DatabaseSource | undefined,
  work: (databases: OperatorDatabases) => Promise<Result>,
): Promise<Result> {
  const { urls, description } = resolveDatabases({
    from,
    environment: readDatabaseUrls(),
    stack: findLocalStack(),
  });
  const { orders, dispatch } = urls;
  if (orders === undefined) {
    throw new UsageError('ORDERS_DATABASE_URL is not set: this needs the order database');
  }
  say(`target: ${description}`);
  // Loaded only here: most commands need no database.
  const { withOperatorDatabases } = await import('../operations/open-databases.js');
  return withOperatorDatabases({ orders, ...(dispatch !== undefined && { dispatch }) }, work);
}

/** The order database, and the broker whose messages it knows. */
export interface OrderServices {
  ordersDatabaseUrl: string;
  amqpUrl?: string;
  /** For a person: where they are, and who said so. */
  description: string;
}

/**
 * Decides which order database to work on, and with which broker: both are the environment's or both
 * the local stack's, so that no message gets from one installation into another.
 *
 * @throws {@link UsageError} where there is no order database, or where the environment names others
 * than a running local stack has and `from` does not choose.
 */
export function resolveOrderServices(given: {
  from: DatabaseSource | undefined;
  environment: { ordersDatabaseUrl?: string; amqpUrl?: string };
  stack: Pick<StackFile, 'ordersDatabaseUrl' | 'amqpUrl'> | undefined;
}): OrderServices {
  const { from, environment, stack } = given;
  const { ordersDatabaseUrl, amqpUrl } = environment;
  const isLocal =
    stack !== undefined &&
    !differ(ordersDatabaseUrl, stack.ordersDatabaseUrl) &&
    !differ(amqpUrl, stack.amqpUrl);
  if (from === 'local-stack' || (from === undefined && isLocal)) {
    if (!stack) throw new UsageError('no local stack runs: start it with `npm run up`');
    return {
      ordersDatabaseUrl: stack.ordersDatabaseUrl,
      amqpUrl: stack.amqpUrl,
      description: `local stack (${place(stack.ordersDatabaseUrl)})`,
    };
  }
  if (stack && from === undefined) {
    throw new UsageError(
      'ORDERS_DATABASE_URL or AMQP_URL is not what the local stack that runs has: choose with --from environment or --from local-stack',
    );
  }
  if (ordersDatabaseUrl === undefined) {
    throw new UsageError(
      from
        ? 'ORDERS_DATABASE_URL is not set'
        : 'no order database is given: set ORDERS_DATABASE_URL, or start the local stack with `npm run up`',
    );
  }
  return {
    ordersDatabaseUrl,
    ...(amqpUrl !== undefined && { amqpUrl }),
    description: `environment (${place(ordersDatabaseUrl)}${amqpUrl ? `, broker ${place(amqpUrl)}` : ''})`,
  };
}

function differ(given: string | undefined, local: string): boolean {
  return given !== undefined && given !== local;
}

function describe(source: string, urls: DatabaseUrls): DatabaseTarget {
  const places = Object.entries(urls).map(
    ([schema, url]: [string, string]) => `${schema} ${place(url)}`,
  );
  return { urls, description: `${source} (${places.join(', ')})` };
}

/** Host and name only: the URL carries a password. */
function place(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
