import { hostAndName } from '../domain/host-and-name';
import {
  readInstallationConfig,
  type InstallationConfig,
  type TemporalConfig,
} from '../runtime/config';
import type { StackFile } from '../runtime/stack-file';
import { UsageError } from '../domain/errors';
import type { Source, TargetOptions } from './target-options';

/** The services of an installation that commands work with. */
export interface Services {
  temporal: { access: TemporalConfig; codecModule?: string };
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl: string;
  amqpUrl: string;
  /** RabbitMQ's management API. */
  rabbitmqManagementUrl: string;
}

/** One of them. */
export type Service = keyof Services;

/** Which services a command works with. */
export interface ServiceUse {
  needs: readonly Service[];
  /** Those that it does without where nobody says where they are; with no needs, it takes any. */
  mayUse?: readonly Service[];
  /**
   * Those that it also reads where the source of the others has them. They choose no source and
   * contradict none: nothing is written to them.
   */
  mayRead?: readonly Service[];
}

/** Where a command goes. */
export interface Target {
  /** Who says where what the options leave open is. */
  source: Source;
  /** Those that the command works with, as far as they were found: all that it needs. */
  services: Partial<Services>;
  /** For a person: where it goes, and who said so. */
  description: string;
}

/** Who may say where the services are. */
interface Sources {
  options: TargetOptions;
  environment: InstallationConfig;
  /** The local stack that runs, where one does. */
  stack: Omit<StackFile, 'pids' | 'webUi' | 'temporalCli'> | undefined;
}

const VARIABLES: Readonly<Record<Service, string>> = {
  temporal: 'TEMPORAL_ADDRESS',
  ordersDatabaseUrl: 'ORDERS_DATABASE_URL',
  dispatchDatabaseUrl: 'DISPATCH_DATABASE_URL',
  amqpUrl: 'AMQP_URL',
  rabbitmqManagementUrl: 'RABBITMQ_MANAGEMENT_URL',
};

/**
 * Decides where a command goes: where the options say; else where the environment says; else to the
 * local stack that runs for this clone. What the options leave open comes from one source, so that no
 * command mixes two installations. `--from` chooses it, or an option that names a service: the local
 * stack where the service is the local stack's, else the environment.
 *
 * @throws {@link UsageError} where nothing says it, or where the environment and a running local stack
 * say different things and nothing chooses: a guess could write to the wrong one.
 */
export function resolveTarget(use: ServiceUse, given: Sources): Target {
  checkOptions(given.options);
  const source = chooseSource(use, given);
  const all = servicesOf(source, given);
  const services = pick(all, [...use.needs, ...(use.mayUse ?? []), ...(use.mayRead ?? [])]);
  refuseMissing(use, services, given);
  return {
    source,
    services,
    description: `${sourceText(source, services, given)} (${textOf(services)})`,
  };
}

/** Options are held to what the environment's variables are held to. */
function checkOptions({ address, namespace, apiKey, amqpUrl }: TargetOptions): void {
  try {
    readInstallationConfig({
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_API_KEY: apiKey,
      AMQP_URL: amqpUrl,
    });
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(message.replace(/[A-Z]+_[A-Z_]+/g, (name) => OPTIONS[name] ?? name));
  }
}

const OPTIONS: Readonly<Record<string, string>> = {
  TEMPORAL_ADDRESS: '--address',
  TEMPORAL_NAMESPACE: '--namespace',
  TEMPORAL_API_KEY: '--api-key',
  AMQP_URL: '--amqp-url',
};

function chooseSource(use: ServiceUse, given: Sources): Source {
  const { options, stack } = given;
  const { from, address, amqpUrl } = options;
  if (!stack) {
    if (from !== 'local-stack') return 'environment';
    throw new UsageError('no local stack runs: start it with `npm run up`');
  }
  const elsewhere = [
    !isSame(address, stack.temporalAddress) && '--address',
    !isSameUrl(amqpUrl, stack.amqpUrl) && '--amqp-url',
  ].filter((option) => option !== false);
  if (from === 'local-stack' && elsewhere.length > 0) {
    throw new UsageError(
      `${elsewhere.join(' and ')}: not the local stack's; leave it out, or choose with --from environment`,
    );
  }
  if (from) return from;
  if (elsewhere.length > 0) return 'environment';
  if (address === undefined && amqpUrl === undefined) refuseConflict(use, { ...given, stack });
  return 'local-stack';
}

/** Refuses to guess where the environment names other services than the local stack has. */
function refuseConflict(
  use: ServiceUse,
  given: Sources & { stack: NonNullable<Sources['stack']> },
): void {
  const { options, environment, stack } = given;
  const { address, namespace } = environment.temporal;
  const used = [...use.needs, ...(use.mayUse ?? [])];
  const differs: Record<Service, boolean> = {
    temporal:
      !isSame(address, stack.temporalAddress) ||
      (options.namespace === undefined && !isSame(namespace, stack.temporalNamespace)),
    ordersDatabaseUrl: !isSameUrl(environment.ordersDatabaseUrl, stack.ordersDatabaseUrl),
    dispatchDatabaseUrl: !isSameUrl(environment.dispatchDatabaseUrl, stack.dispatchDatabaseUrl),
    amqpUrl: !isSameUrl(environment.amqpUrl, stack.amqpUrl),
    // It is read only, and chooses nothing.
    rabbitmqManagementUrl: false,
  };
  const variables = used
    .filter((service) => differs[service])
    .flatMap((service) => variablesOf(service, environment));
  if (variables.length === 0) return;
  const local = textOf(pick(servicesOf('local-stack', given), used));
  throw new UsageError(
    `the environment (${variables.join(', ')}) is not the local stack that runs (${local}): choose with --from environment or --from local-stack, or with --address and --namespace, or unset the variables`,
  );
}

function variablesOf(service: Service, environment: InstallationConfig): string[] {
  if (service !== 'temporal') {
    return [`${VARIABLES[service]}=${hostAndName(environment[service] ?? '')}`];
  }
  const { address, namespace } = environment.temporal;
  return [
    ...(address === undefined ? [] : [`TEMPORAL_ADDRESS=${address}`]),
    ...(namespace === undefined ? [] : [`TEMPORAL_NAMESPACE=${namespace}`]),
  ];
}

/** All services that a source knows, with what the options say instead. */
function servicesOf(source: Source, { options, environment, stack }: Sources): Partial<Services> {
  const isLocal = source === 'local-stack' && stack !== undefined;
  const { temporal } = environment;
  const address = options.address ?? (isLocal ? stack.temporalAddress : temporal.address);
  const access = {
    namespace: isLocal ? stack.temporalNamespace : (temporal.namespace ?? 'default'),
    // The environment's key and certificate are for its own server, not for the local stack.
    ...(isLocal ? {} : pick(temporal, SECURITY)),
    ...pick(options, ['namespace', ...SECURITY]),
  };
  const codec = pick({ ...temporal, ...options }, ['codecModule']);
  return {
    ...pick(isLocal ? stack : environment, URLS),
    ...pick(options, ['amqpUrl']),
    ...(address !== undefined && { temporal: { access: { address, ...access }, ...codec } }),
  };
}

const SECURITY = ['apiKey', 'tls', 'tlsClientCertPath', 'tlsClientKeyPath'] as const;

const URLS = [
  'ordersDatabaseUrl',
  'dispatchDatabaseUrl',
  'amqpUrl',
  'rabbitmqManagementUrl',
] as const;

function refuseMissing(use: ServiceUse, services: Partial<Services>, { stack }: Sources): void {
  const { needs, mayUse = [] } = use;
  const missing = needs.filter((service) => services[service] === undefined);
  const hasNone = Object.keys(services).length === 0;
  if (missing.length === 0 && !hasNone) return;
  const names = (missing.length > 0 ? missing : mayUse).map((service) =>
    service === 'temporal' ? 'TEMPORAL_ADDRESS (or --address)' : VARIABLES[service],
  );
  const what =
    missing.length > 0
      ? `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} not set`
      : `neither ${names.join(' nor ')} is set`;
  const otherwise = stack
    ? 'choose with --from local-stack'
    : 'start the local stack with `npm run up`';
  throw new UsageError(`no target: ${what}: say where to go, or ${otherwise}`);
}

/** Who said where the services are. */
function sourceText(source: Source, services: Partial<Services>, { options }: Sources): string {
  if (source === 'local-stack') return 'local stack';
  const byOption = {
    '--address': options.address !== undefined && services.temporal !== undefined,
    '--amqp-url': options.amqpUrl !== undefined && services.amqpUrl !== undefined,
  };
  const said = Object.entries(byOption).flatMap(([option, isSaid]) => (isSaid ? [option] : []));
  const isAll = said.length === Object.keys(services).length;
  return [...said, ...(isAll ? [] : ['environment'])].join(' and ');
}

/** Where the services are; never a password. */
function textOf(services: Partial<Services>): string {
  const { temporal, ordersDatabaseUrl, dispatchDatabaseUrl, amqpUrl } = services;
  return [
    temporal && `${temporal.access.address}, namespace ${temporal.access.namespace}`,
    ordersDatabaseUrl !== undefined && `order database ${hostAndName(ordersDatabaseUrl)}`,
    dispatchDatabaseUrl !== undefined && `dispatch database ${hostAndName(dispatchDatabaseUrl)}`,
    amqpUrl !== undefined && `broker ${hostAndName(amqpUrl)}`,
  ]
    .filter((part) => part !== undefined && part !== false)
    .join(', ');
}

/** Whether what was given, where something was, is what the local stack has. */
function isSame(given: string | undefined, local: string): boolean {
  const normal = (place: string) => place.replace(/^localhost\b/, '127.0.0.1');
  return given === undefined || normal(given) === normal(local);
}

/** The same of URLs, whoever their user is. */
function isSameUrl(given: string | undefined, local: string): boolean {
  const place = (url: string) => `${hostAndName(url)}${new URL(url).search}`;
  return given === undefined || isSame(place(given), place(local));
}

/** Those of the fields that are there. */
function pick<From extends object, Name extends keyof From>(
  from: From,
  names: readonly Name[],
): { [Each in Name]?: Exclude<From[Each], undefined> } {
  return Object.fromEntries(
    names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]),
  ) as never;
}
