import { Option, type Command } from 'commander';
import { UsageError } from '../domain/errors';
import { ROLES, type Role } from '../domain/role';
import { SEARCH_ATTRIBUTES } from '../domain/temporal-names';
import type { WorkerDeployment } from '../operations/worker-version';
import { wholeNumberOption } from './options';
import { print, say, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import type { TargetOptions } from './target-options';

const ATTRIBUTES_HELP = `
Workers do not start in a namespace without them. Safe to repeat.

Example:
  $ TEMPORAL_ADDRESS=temporal.example:7233 TEMPORAL_NAMESPACE=orders order-dispatch setup search-attributes`;

const SCHEDULES_HELP = `
Each minute the supplement system checks the service's health, each hour it
sweeps the orders of the last hours. Safe to repeat; a schedule that somebody
has paused stays paused.

Example:
  $ order-dispatch setup schedules`;

const MIGRATE_HELP = `
Migrates the databases that ORDERS_DATABASE_URL and DISPATCH_DATABASE_URL name,
or, with neither, those of the running local stack. Safe to repeat. The
migrations are Prisma's: \`prisma migrate deploy\` may be used on the same
databases.

Example:
  $ ORDERS_DATABASE_URL=postgresql://user:password@db:5432/orders order-dispatch setup migrate`;

const TOKEN_HELP = `
The token is shown once, and is nowhere else. Put the entry into the file that
API_TOKENS_FILE names: a JSON array of entries, or one a line. The API reads it
again by itself; an entry that is taken out is refused from then on. The name is
the actor in the audit.

Example:
  $ order-dispatch setup token --name mia --role operator`;

const WORKER_VERSION_HELP = `
For workers that have a version (TEMPORAL_WORKER_DEPLOYMENT or
TEMPORAL_WORKER_BUILD_ID): without --ramp it becomes the current one, and gets
all orders; those that are under way move to it with their next step. With
--ramp it gets that share, and the current version the rest; --ramp 0 takes it
back. Without --build-id nothing is changed: what there is is shown. Waits a
moment for workers that have just started. Safe to repeat.

Example:
  $ order-dispatch setup worker-version --build-id 0.2.0 --ramp 10
  $ order-dispatch setup worker-version --build-id 0.2.0
  $ order-dispatch setup worker-version`;

/** `setup`: what a namespace and the databases need, once and after each upgrade. */
export function addSetupCommands(program: Command): void {
  const setup = program
    .command('setup')
    .description('Prepare a Temporal namespace and the databases; safe to repeat.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch setup migrate');
  setup
    .command('search-attributes')
    .description('Register the search attributes by which human tasks are found.')
    .addHelpText('after', ATTRIBUTES_HELP)
    .action((_, command: Command) => setUpSearchAttributes(command.optsWithGlobals()));
  setup
    .command('schedules')
    .description('Create or update the Temporal Schedules of health check and sweep.')
    .addHelpText('after', SCHEDULES_HELP)
    .action((_, command: Command) => setUpSchedules(command.optsWithGlobals()));
  setup
    .command('migrate')
    .description('Bring the order database and the dispatch database up to date.')
    .addHelpText('after', MIGRATE_HELP)
    .action((_, command: Command) => migrate(command.optsWithGlobals()));
  setup
    .command('token')
    .description('Make a token for the HTTP API, and its entry for the tokens file.')
    .requiredOption('--name <name>', 'whose it is; 1-64 characters of A-Z, a-z, 0-9, ., _ and -')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .addHelpText('after', TOKEN_HELP)
    .action((_, command: Command) => makeApiToken(command.optsWithGlobals()));
  setup
    .command('worker-version')
    .description('Say which version of the workers gets orders, and how many.')
    .option('--build-id <id>', 'the version that is to get them')
    .addOption(
      wholeNumberOption('--ramp <percent>', 'its share of the orders', {
        minimum: 0,
        maximum: 100,
      }),
    )
    .option('--deployment <name>', "the workers' deployment, where it has another name")
    .addHelpText('after', WORKER_VERSION_HELP)
    .action((_, command: Command) => setUpWorkerVersion(command.optsWithGlobals()));
}

interface WorkerVersionOptions extends TargetOptions, OutputOptions {
  buildId?: string;
  ramp?: number;
  deployment?: string;
}

async function setUpWorkerVersion(options: WorkerVersionOptions): Promise<void> {
  const { buildId, ramp } = options;
  if (ramp !== undefined && buildId === undefined) throw new UsageError('--ramp needs --build-id');
  const { services } = await chooseTarget(options, { needs: ['temporal'] });
  const { readWorkerVersion } = await import('../runtime/config.js');
  const { WORKER_DEPLOYMENT } = await import('../domain/temporal-names.js');
  const deployment = options.deployment ?? readWorkerVersion()?.deployment ?? WORKER_DEPLOYMENT;
  await withTemporal(services, async (session) => {
    const operations = await import('../operations/worker-version.js');
    const found =
      buildId === undefined
        ? await operations.readWorkerDeployment(session, deployment)
        : await operations.setWorkerVersion(session, {
            deployment,
            buildId,
            ...(ramp !== undefined && { ramp }),
          });
    print(
      options,
      found ?? { deployment, versions: [] },
      found
        ? [`deployment ${deployment}:`, ...versionLines(found)].join('\n')
        : `deployment ${deployment}: no worker of it was ever seen in namespace ${session.namespace}`,
    );
  });
}

function versionLines({ versions, ramp, currentBuildId }: WorkerDeployment): string[] {
  const lines = versions.map(({ buildId, status }) =>
    status === 'ramping' && ramp
      ? `  ${buildId}  ${status}, ${ramp.percent} %`
      : `  ${buildId}  ${status}`,
  );
  return currentBuildId === undefined
    ? [...lines, '  workers without a version are current']
    : lines;
}

async function makeApiToken(options: OutputOptions & { name: string; role: Role }): Promise<void> {
  const { TOKEN_NAME_PATTERN, makeToken } = await import('../operations/api-tokens.js');
  const { name, role } = options;
  if (!TOKEN_NAME_PATTERN.test(name)) {
    throw new UsageError('--name: must be 1-64 characters of A-Z, a-z, 0-9, ., _ and -');
  }
  const made = await makeToken({ name, role });
  print(options, made, `${made.token}\n\n${JSON.stringify(made.entry)}`);
  say('the first is the token, shown only now; the second is its entry for the tokens file');
}

async function setUpSearchAttributes(options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async ({ connection, namespace }) => {
    const { registerSearchAttributes } = await import('../temporal/search-attributes.js');
    const registered = await registerSearchAttributes({ connection, namespace });
    print(
      options,
      { namespace, registered },
      registered.length > 0
        ? `namespace ${namespace}: registered ${registered.join(', ')}`
        : `namespace ${namespace}: nothing to do, it has ${Object.keys(SEARCH_ATTRIBUTES).join(', ')}`,
    );
  });
}

async function setUpSchedules(options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async ({ temporal, namespace }) => {
    const { ensureSchedules } = await import('../temporal/schedules.js');
    const created = await ensureSchedules(temporal);
    print(
      options,
      { namespace, created },
      created.length > 0
        ? `namespace ${namespace}: created ${created.join(', ')}`
        : `namespace ${namespace}: the schedules are up to date`,
    );
  });
}

async function migrate(options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, {
    needs: [],
    mayUse: ['ordersDatabaseUrl', 'dispatchDatabaseUrl'],
  });
  const { migrateDatabases } = await import('../operations/migrate-databases.js');
  const migrated = await migrateDatabases({
    ...(services.ordersDatabaseUrl !== undefined && { orders: services.ordersDatabaseUrl }),
    ...(services.dispatchDatabaseUrl !== undefined && { dispatch: services.dispatchDatabaseUrl }),
  });
  const lines = migrated.map(({ schema, applied }) =>
    applied.length > 0
      ? `${schema} database: applied ${applied.join(', ')}`
      : `${schema} database: nothing to do`,
  );
  print(options, migrated, lines.join('\n'));
}
