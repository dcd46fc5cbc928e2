import { readClientConfig, type ClientConfig, type TemporalConfig } from '../runtime/config';
import type { StackFile } from '../runtime/stack-file';
import { UsageError } from './exit';

/** The options that say where a command goes; they win over the environment. */
export interface TargetOptions {
  address?: string;
  namespace?: string;
  apiKey?: string;
  tls?: boolean;
  tlsClientCertPath?: string;
  tlsClientKeyPath?: string;
  codecModule?: string;
}

/** Where a command goes. */
export interface Target {
  access: TemporalConfig;
  codecModule?: string;
  /** For a person: where it goes, and who said so. */
  description: string;
  /** The options that another command needs to go there, too; nothing secret. */
  repeatedOptions: string;
}

/** All of them but the API key. */
const REPEATED_OPTIONS = [
  'address',
  'namespace',
  'tls',
  'tlsClientCertPath',
  'tlsClientKeyPath',
  'codecModule',
] as const satisfies readonly (keyof TargetOptions)[];

type LocalStack = Pick<StackFile, 'temporalAddress' | 'temporalNamespace'>;

/**
 * Decides where a command goes: where the options say; else where the environment says; else to the
 * local stack that runs for this clone.
 *
 * @throws {@link UsageError} where nothing says it, or where the environment and a running local
 * stack say different things: a guess could write to the wrong one.
 */
export function resolveTarget(given: {
  options: TargetOptions;
  environment: ClientConfig;
  stack: LocalStack | undefined;
}): Target {
  const { environment, stack } = given;
  const options = checkOptions(given.options);
  if (stack) refuseConflict({ options, environment, stack });
  const address = options.address ?? environment.address ?? stack?.temporalAddress;
  if (address === undefined) {
    throw new UsageError(
      'no target: start the local stack with `npm run up`, or set TEMPORAL_ADDRESS (or --address) to host:port',
    );
  }
  const isLocal = stack !== undefined && isSameAddress(address, stack.temporalAddress);
  const namespace =
    options.namespace ?? (isLocal ? stack.temporalNamespace : (environment.namespace ?? 'default'));
  // The environment's key and certificate are for its own server, not for the local stack.
  const { apiKey, tls, tlsClientCertPath, tlsClientKeyPath } = isLocal
    ? options
    : { ...environment, ...options };
  const codecModule = options.codecModule ?? environment.codecModule;
  return {
    access: {
      address,
      namespace,
      ...(apiKey !== undefined && { apiKey }),
      ...(tls !== undefined && { tls }),
      ...(tlsClientCertPath !== undefined && { tlsClientCertPath }),
      ...(tlsClientKeyPath !== undefined && { tlsClientKeyPath }),
    },
    ...(codecModule !== undefined && { codecModule }),
    description: isLocal
      ? `local stack (${address}, namespace ${namespace})`
      : `${options.address ? '--address' : 'TEMPORAL_ADDRESS'} ${address}, namespace ${namespace}`,
    repeatedOptions: repeat(options),
  };
}

/** Options are held to what the environment's variables are held to. */
function checkOptions(options: TargetOptions): TargetOptions {
  try {
    readClientConfig({
      TEMPORAL_ADDRESS: options.address,
      TEMPORAL_NAMESPACE: options.namespace,
      TEMPORAL_API_KEY: options.apiKey,
    });
  } catch (error) {
    const message = (error as Error).message;
    throw new UsageError(message.replace(/TEMPORAL_(\w+)/g, (_, name: string) => optionOf(name)));
  }
  return options;
}

function optionOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll('_', '-')}`;
}

function refuseConflict(given: {
  options: TargetOptions;
  environment: ClientConfig;
  stack: LocalStack;
}): void {
  const { options, environment, stack } = given;
  const { temporalAddress, temporalNamespace } = stack;
  const address = options.address ?? environment.address;
  const isElsewhere = address !== undefined && !isSameAddress(address, temporalAddress);
  const addressConflicts = isElsewhere && options.address === undefined;
  const namespaceConflicts =
    !isElsewhere &&
    options.namespace === undefined &&
    environment.namespace !== undefined &&
    environment.namespace !== temporalNamespace;
  if (!addressConflicts && !namespaceConflicts) return;
  const variables = [
    environment.address !== undefined && `TEMPORAL_ADDRESS=${environment.address}`,
    environment.namespace !== undefined && `TEMPORAL_NAMESPACE=${environment.namespace}`,
  ].filter(Boolean);
  throw new UsageError(
    `the environment (${variables.join(', ')}) is not the local stack that runs (${temporalAddress}, namespace ${temporalNamespace}): choose with --address and --namespace, or unset the variables`,
  );
}

function isSameAddress(left: string, right: string): boolean {
  const normal = (address: string) => address.replace(/^localhost:/, '127.0.0.1:');
  return normal(left) === normal(right);
}

function repeat(options: TargetOptions): string {
  return REPEATED_OPTIONS.flatMap((name) => {
    const value = options[name];
    if (value === undefined) return [];
    const option = ` --${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [option] : [`${option} ${quoted(String(value))}`];
  }).join('');
}

/** For a shell. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
