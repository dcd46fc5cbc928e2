import { Client, type Connection } from '@temporalio/client';
import { applyMigrations } from '../database/migrate';
import { OrderDispatchError } from '../domain/errors';
import { refuseAdoptersUrl } from '../operations/adopters-database';
import { openConnection } from '../temporal/connection';
import { ensureSchedules } from '../temporal/schedules';
import { registerSearchAttributes } from '../temporal/search-attributes';
import { type GivenServices, givenServices } from './given-services';
import { isOpen } from './servers/ports';
import { type Postgres, startPostgres } from './servers/postgres';
import { postgresBinaries } from './servers/postgres-binaries';
import { type Progress, timed } from './progress';
import { type Rabbitmq, startRabbitmq } from './servers/rabbitmq';
import { findRabbitmq } from './servers/rabbitmq-installation';
import { endAbandonedScopes, type Scope, openScope } from './supervision/scope';
import { StackError } from './stack-error';
import { startTemporal, type Temporal } from './servers/temporal';
import { findTemporalCli } from './servers/temporal-cli';

/** How services are started. */
export interface StartOptions {
  /** Where the scope's private folder is made: `<clone>/.local`. */
  directory: string;
  progress: Progress;
  /** Gives up and takes down whatever has been started. */
  signal?: AbortSignal;
}

/** What the order service needs, up and prepared. */
export interface Services {
  /** Further processes are started in it, and so end with it, before the services. */
  readonly scope: Scope;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** `undefined` where Temporal was given. */
  readonly webUi: string | undefined;
  /** Path of the `temporal` command line; `undefined` where Temporal was given. */
  readonly temporalCli: string | undefined;
  readonly amqpUrl: string;
  readonly ordersDatabaseUrl: string;
  readonly dispatchDatabaseUrl: string;
  /** Absent where the broker was given. */
  readonly rabbitmqManagementUrl?: string;
  /** Ends all that was started and removes its folders. May be called more than once. */
  stop(): Promise<void>;
}

/** Servers of our own, with which tests do as they like. */
export interface TestServices {
  readonly scope: Scope;
  readonly postgres: Postgres;
  readonly rabbitmq: Rabbitmq;
  readonly temporal: Temporal;
  stop(): Promise<void>;
}

/** Databases that are migrated once, and copied for each test file. */
export const TEMPLATES = { orders: 'orders_template', dispatch: 'dispatch_template' } as const;

/**
 * Brings up what the environment does not name (`TEMPORAL_ADDRESS`, `AMQP_URL`,
 * `ORDERS_DATABASE_URL` with `DISPATCH_DATABASE_URL`), migrates the databases and registers the
 * search attributes.
 *
 * @throws {StackError} if that fails; by then nothing of it is left.
 */
export function startServices(options: StartOptions): Promise<Services> {
  const given = givenServices(process.env);
  return inScope(options, async (scope, progress) => {
    const [databases, broker, temporal] = await Promise.all([
      provideDatabases(scope, progress, given),
      provideBroker(scope, progress, given),
      provideTemporal(scope, progress, given),
    ]);
    return {
      scope,
      ...temporal,
      ...broker,
      ordersDatabaseUrl: databases.orders,
      dispatchDatabaseUrl: databases.dispatch,
      stop: () => scope.end(),
    };
  });
}

/**
 * Brings up private servers whose data is thrown away, whatever the environment names, with the
 * template databases.
 *
 * @param options.keepsTemporal has Temporal keep what it knows over a restart. @default false
 * @throws {StackError} if that fails; by then nothing of it is left.
 */
export function startTestServices(
  options: StartOptions & { keepsTemporal?: boolean },
): Promise<TestServices> {
  return inScope(options, async (scope, progress) => {
    const [postgres, rabbitmq, temporal] = await Promise.all([
      privatePostgres(scope, progress, { throwAway: true }).then(async (server) => {
        await createAndMigrate(server, progress, TEMPLATES);
        return server;
      }),
      privateRabbitmq(scope, progress),
      privateTemporal(scope, progress, {
        ...(options.keepsTemporal && { databaseFile: `${scope.directory}/temporal.db` }),
      }),
    ]);
    return { scope, postgres, rabbitmq, temporal, stop: () => scope.end() };
  });
}

/** Does the work in a scope that ends if the work fails or is given up. */
async function inScope<T>(
  options: StartOptions,
  work: (scope: Scope, progress: Progress) => Promise<T>,
): Promise<T> {
  const { directory, progress, signal } = options;
  const ended = await endAbandonedScopes(directory);
  if (ended.length > 0) progress(`ended what an earlier stack had left: ${ended.join(', ')}`);
  signal?.throwIfAborted();
  const scope = openScope(directory);
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(new StackError('stopped while the services were starting'));
    });
  });
  let over = false;
  const quietOnceOver: Progress = (line) => {
    if (!over) progress(line);
  };
  try {
    return await Promise.race([work(scope, quietOnceOver), aborted]);
  } catch (error) {
    over = true;
    await scope.end();
    throw error;
  }
}

async function privatePostgres(
  scope: Scope,
  progress: Progress,
  options: { throwAway: boolean },
): Promise<Postgres> {
  const binaries = await postgresBinaries();
  progress(`PostgreSQL: embedded ${binaries.version}`);
  return timed(progress, 'PostgreSQL is up', () => startPostgres({ scope, binaries, ...options }));
}

async function privateRabbitmq(scope: Scope, progress: Progress): Promise<Rabbitmq> {
  const installation = await findRabbitmq(progress);
  progress(`RabbitMQ: ${installation.label}`);
  return timed(progress, 'RabbitMQ is up', () => startRabbitmq({ scope, installation }));
}

async function privateTemporal(
  scope: Scope,
  progress: Progress,
  options: { databaseFile?: string } = {},
): Promise<Temporal> {
  const cli = await findTemporalCli(scope, progress);
  progress(`Temporal: CLI ${cli.version} at ${cli.path}`);
  return timed(progress, 'Temporal is up', () => startTemporal({ scope, cli, ...options }));
}

async function provideDatabases(
  scope: Scope,
  progress: Progress,
  given: GivenServices,
): Promise<{ orders: string; dispatch: string }> {
  if (given.databases) {
    progress('PostgreSQL: as ORDERS_DATABASE_URL and DISPATCH_DATABASE_URL say');
    await refuseAdopters(given.databases.dispatch);
    await migrate(progress, given.databases);
    return given.databases;
  }
  const server = await privatePostgres(scope, progress, { throwAway: false });
  return createAndMigrate(server, progress, { orders: 'orders', dispatch: 'dispatch' });
}

async function provideBroker(
  scope: Scope,
  progress: Progress,
  given: GivenServices,
): Promise<Pick<Services, 'amqpUrl' | 'rabbitmqManagementUrl'>> {
  if (given.amqpUrl === undefined) {
    const server = await privateRabbitmq(scope, progress);
    return { amqpUrl: server.url(), rabbitmqManagementUrl: server.managementUrl };
  }
  const { protocol, hostname, port } = new URL(given.amqpUrl);
  progress(`RabbitMQ: ${hostname}, as AMQP_URL says`);
  const amqpPort = Number(port) || (protocol === 'amqps:' ? 5671 : 5672);
  if (await isOpen(amqpPort, hostname)) return { amqpUrl: given.amqpUrl };
  throw new StackError(`AMQP_URL: nothing answers at ${hostname}, port ${amqpPort}`);
}

async function provideTemporal(
  scope: Scope,
  progress: Progress,
  given: GivenServices,
): Promise<Pick<Services, 'temporalAddress' | 'temporalNamespace' | 'webUi' | 'temporalCli'>> {
  const namespace = given.temporal?.namespace ?? 'default';
  const server = given.temporal
    ? undefined
    : await privateTemporal(scope, progress, { databaseFile: `${scope.directory}/temporal.db` });
  const address = given.temporal?.address ?? (server as Temporal).address;
  if (given.temporal) progress(`Temporal: ${address}, as TEMPORAL_ADDRESS says`);
  await registerIn(address, namespace);
  return {
    temporalAddress: address,
    temporalNamespace: namespace,
    webUi: server?.webUi,
    temporalCli: server?.cli,
  };
}

async function registerIn(address: string, namespace: string): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = await openConnection({ address, connectTimeout: '5 s' });
    await registerSearchAttributes({ connection, namespace });
    await ensureSchedules(new Client({ connection, namespace }));
  } catch (cause) {
    throw new StackError(
      `Temporal at ${address}, namespace ${namespace}: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    await connection?.close();
  }
}

async function createAndMigrate(
  server: Postgres,
  progress: Progress,
  names: { orders: string; dispatch: string },
): Promise<{ orders: string; dispatch: string }> {
  const [orders, dispatch] = await Promise.all([
    server.createDatabase(names.orders),
    server.createDatabase(names.dispatch),
  ]);
  await migrate(progress, { orders, dispatch });
  return { orders, dispatch };
}

/** Before anything is done to either database: a dispatch system of somebody's own keeps its own. */
async function refuseAdopters(dispatchUrl: string): Promise<void> {
  await refuseAdoptersUrl(
    dispatchUrl,
    'give one of our own in DISPATCH_DATABASE_URL, or unset both databases for this command',
  ).catch(asStackError);
}

async function migrate(
  progress: Progress,
  urls: { orders: string; dispatch: string },
): Promise<void> {
  await timed(progress, 'the databases are migrated', () =>
    Promise.all([
      applyMigrations({ url: urls.orders, schema: 'orders' }),
      applyMigrations({ url: urls.dispatch, schema: 'dispatch' }),
    ]).catch(asStackError),
  );
}

function asStackError(error: unknown): never {
  throw error instanceof OrderDispatchError
    ? new StackError(error.message, { cause: error })
    : error;
}
