import { z } from 'zod';
import { refineDatabaseUrl } from '../domain/database-url';
import { InvalidConfiguration } from '../domain/errors';
import {
  DEFAULT_POLICY,
  effectivePolicy,
  parsePolicyOverrides,
  type Policy,
} from '../domain/policy';
import {
  BUILD_ID,
  BUILD_ID_RULE,
  DEPLOYMENT_NAME,
  DEPLOYMENT_NAME_RULE,
} from '../domain/worker-version';
import { CRASH_BY_MESSAGE, CRASH_POINTS, type CrashPoint } from './crash-point';
import { DELIBERATE_BUGS, type DeliberateBug } from './deliberate-bug';
import { defined } from '../domain/defined';
import { resolveWorkerVersion, type WorkerVersion } from './worker-version';

const url = (protocols: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    );

/** A message that waits is held unacked, which RabbitMQ's `consumer_timeout` (30 minutes) must allow. */
const GRACE_MAX_MS = 15 * 60_000;

/** Where RabbitMQ is. */
export const amqpUrl = url(['amqp:', 'amqps:']);
/** RabbitMQ's management API, with the user that reads it: it alone tells of bindings and alarms. */
const managementUrl = url(['http:', 'https:']);

/** Where something on the web is. */
export const httpUrl = managementUrl;

/** Where a database is. */
export const databaseUrl = url(['postgres:', 'postgresql:']).superRefine(refineDatabaseUrl);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** An API key goes into an HTTP header as it is, and what a header refuses ends up in an error. */
const apiKey = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

/** How processes of ours reach Temporal. */
export const temporalVariables = {
  /** host:port of the Temporal frontend. */
  TEMPORAL_ADDRESS: z.string().min(1).optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).optional(),
  TEMPORAL_API_KEY: apiKey.optional(),
  /** `true` for TLS without a client certificate; given with an API key or a certificate. */
  TEMPORAL_TLS: flag.optional(),
  /** Paths of PEM files, for mutual TLS. */
  TEMPORAL_TLS_CLIENT_CERT_PATH: z.string().min(1).optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: z.string().min(1).optional(),
  /** Path of a CommonJS module that exports `payloadCodecs` or `dataConverter`. */
  ORDER_DISPATCH_CODEC_MODULE: z.string().min(1).optional(),
};

const erasureSchema = z.object({
  /** Makes the hash that is kept of a customer's ID one that nobody can guess IDs by. */
  ORDER_DISPATCH_ERASURE_KEY: z.string().min(16, 'must have 16 characters or more').optional(),
});

/** What every process of ours can be told. */
export const processVariables = {
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Where the health endpoint listens. */
  HEALTH_HOST: z.string().min(1).default('127.0.0.1'),
  /** Its port; none without it. */
  HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  /** Dies hard at this point, for fault tests. */
  ORDER_DISPATCH_CRASH_POINT: z.enum([...CRASH_POINTS, CRASH_BY_MESSAGE]).optional(),
  ORDER_DISPATCH_DELIBERATE_BUG: z.enum(DELIBERATE_BUGS).optional(),
};

/** Either makes the worker a version of a worker deployment. */
const versionVariables = {
  TEMPORAL_WORKER_DEPLOYMENT: z.string().regex(DEPLOYMENT_NAME, DEPLOYMENT_NAME_RULE).optional(),
  TEMPORAL_WORKER_BUILD_ID: z.string().regex(BUILD_ID, BUILD_ID_RULE).optional(),
};
const versionSchema = z.object(versionVariables);

const workerSchema = z.object({
  ...temporalVariables,
  ...processVariables,
  TEMPORAL_ADDRESS: z.string().min(1),
  AMQP_URL: amqpUrl,
  ORDERS_DATABASE_URL: databaseUrl,
  /** JSON: fields of the policy that differ from the defaults. */
  ORDER_DISPATCH_POLICY: z.string().optional(),
  ...versionVariables,
});

const dispatchSystemSchema = z.object({
  ...processVariables,
  AMQP_URL: amqpUrl,
  DISPATCH_DATABASE_URL: databaseUrl,
  /** Path of a CommonJS module that exports `decide`; the reference decision without it. */
  DISPATCH_SYSTEM_DECIDE_MODULE: z.string().min(1).optional(),
});

const supplementSchema = z.object({
  ...temporalVariables,
  ...processVariables,
  TEMPORAL_ADDRESS: z.string().min(1),
  AMQP_URL: amqpUrl,
  ORDERS_DATABASE_URL: databaseUrl,
  /** Any database that offers the view `order_dispatch_dispatches_v1`; only read. */
  DISPATCH_DATABASE_URL: databaseUrl,
  RABBITMQ_MANAGEMENT_URL: managementUrl.optional(),
  /** How old a request must be before it is looked at, in ms. */
  SUPPLEMENT_GRACE_MS: z
    .string()
    .regex(/^\d+$/, 'must be a whole number of milliseconds')
    .default('30000')
    .transform(Number)
    .refine(
      (ms) => ms <= GRACE_MAX_MS,
      `must be at most ${GRACE_MAX_MS}: RabbitMQ takes back what is held for 30 minutes`,
    ),
});

const installationSchema = z.object({
  ...temporalVariables,
  ORDERS_DATABASE_URL: databaseUrl.optional(),
  DISPATCH_DATABASE_URL: databaseUrl.optional(),
  AMQP_URL: amqpUrl.optional(),
  RABBITMQ_MANAGEMENT_URL: managementUrl.optional(),
});

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where Temporal is, and how to speak to it. */
export interface TemporalConfig {
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  apiKey?: string;
  /** @default true with an API key or a client certificate, else false */
  tls?: boolean;
  /** Paths of PEM files, for mutual TLS; both or neither. */
  tlsClientCertPath?: string;
  tlsClientKeyPath?: string;
  /** Path of the module with the codec that payloads are written with. */
  codecModule?: string;
}

/** The worker process's settings. */
export interface WorkerConfig {
  temporal: TemporalConfig;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  policy: Policy;
  /** The version of a worker deployment that it is; none without it. */
  version?: Required<WorkerVersion>;
  process: ProcessConfig;
}

/** The dispatch system's settings. */
export interface DispatchSystemConfig {
  amqpUrl: string;
  dispatchDatabaseUrl: string;
  decideModule?: string;
  process: ProcessConfig;
}

/** The supplement system's settings. */
export interface SupplementConfig {
  temporal: TemporalConfig;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl: string;
  rabbitmqManagementUrl?: string;
  /** How old a request must be before it is looked at, in ms. */
  graceMs: number;
  process: ProcessConfig;
}

/** What every process of ours can be told. */
export interface ProcessConfig {
  logLevel: string;
  healthHost: string;
  healthPort?: number;
  crashPoint?: CrashPoint | typeof CRASH_BY_MESSAGE;
  deliberateBug?: DeliberateBug;
}

/** What the environment says about where an installation's services are; nothing, where it is silent. */
export interface InstallationConfig {
  temporal: Partial<TemporalConfig>;
  ordersDatabaseUrl?: string;
  dispatchDatabaseUrl?: string;
  amqpUrl?: string;
  rabbitmqManagementUrl?: string;
}

/**
 * Reads the worker's settings.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readWorkerConfig(environment: Environment = process.env): WorkerConfig {
  const variables = readVariables(workerSchema, environment);
  return {
    temporal: toTemporalConfig(variables),
    amqpUrl: variables.AMQP_URL,
    ordersDatabaseUrl: variables.ORDERS_DATABASE_URL,
    policy: readPolicy(variables.ORDER_DISPATCH_POLICY),
    ...defined({ version: toVersion(variables) }),
    process: toProcess(variables),
  };
}

/**
 * Reads the dispatch system's settings.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readDispatchSystemConfig(
  environment: Environment = process.env,
): DispatchSystemConfig {
  const variables = readVariables(dispatchSystemSchema, environment);
  return {
    amqpUrl: variables.AMQP_URL,
    dispatchDatabaseUrl: variables.DISPATCH_DATABASE_URL,
    ...defined({ decideModule: variables.DISPATCH_SYSTEM_DECIDE_MODULE }),
    process: toProcess(variables),
  };
}

/**
 * Reads the supplement system's settings.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readSupplementConfig(environment: Environment = process.env): SupplementConfig {
  const variables = readVariables(supplementSchema, environment);
  return {
    temporal: toTemporalConfig(variables),
    amqpUrl: variables.AMQP_URL,
    ordersDatabaseUrl: variables.ORDERS_DATABASE_URL,
    dispatchDatabaseUrl: variables.DISPATCH_DATABASE_URL,
    ...defined({ rabbitmqManagementUrl: variables.RABBITMQ_MANAGEMENT_URL }),
    graceMs: variables.SUPPLEMENT_GRACE_MS,
    process: toProcess(variables),
  };
}

/**
 * Reads where the environment says that an installation's services are.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readInstallationConfig(environment: Environment = process.env): InstallationConfig {
  const variables = readVariables(installationSchema, environment);
  return {
    temporal: toTemporal(variables),
    ...defined({
      ordersDatabaseUrl: variables.ORDERS_DATABASE_URL,
      dispatchDatabaseUrl: variables.DISPATCH_DATABASE_URL,
      amqpUrl: variables.AMQP_URL,
      rabbitmqManagementUrl: variables.RABBITMQ_MANAGEMENT_URL,
    }),
  };
}

/**
 * Reads the key that the hash of an erased customer's ID is made with; `undefined` where there is none.
 *
 * @throws {@link InvalidConfiguration} where it is too short to keep anybody from guessing.
 */
export function readErasureKey(environment: Environment = process.env): string | undefined {
  return readVariables(erasureSchema, environment).ORDER_DISPATCH_ERASURE_KEY;
}

/**
 * Reads which version of which worker deployment the workers are; `undefined` where they have none.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readWorkerVersion(
  environment: Environment = process.env,
): Required<WorkerVersion> | undefined {
  return toVersion(readVariables(versionSchema, environment));
}

/**
 * Reads the variables that a schema names.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readVariables<Shape extends z.ZodObject>(
  schema: Shape,
  environment: Environment,
): z.infer<Shape> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return environment[name] === undefined ? `${name} is not set` : `${name}: ${issue.message}`;
  });
  throw new InvalidConfiguration(lines.join('; '));
}

function readPolicy(json: string | undefined): Policy {
  if (json === undefined) return DEFAULT_POLICY;
  try {
    return effectivePolicy(DEFAULT_POLICY, parsePolicyOverrides(JSON.parse(json)));
  } catch (error) {
    const what = error instanceof SyntaxError ? 'is not JSON' : (error as Error).message;
    throw new InvalidConfiguration(`ORDER_DISPATCH_POLICY: ${what}`, { cause: error });
  }
}

function toVersion(variables: z.infer<typeof versionSchema>): Required<WorkerVersion> | undefined {
  const given = defined({
    deployment: variables.TEMPORAL_WORKER_DEPLOYMENT,
    buildId: variables.TEMPORAL_WORKER_BUILD_ID,
  });
  return Object.keys(given).length > 0 ? resolveWorkerVersion(given) : undefined;
}

/** Where Temporal is, by these variables. */
export function toTemporalConfig(
  variables: z.infer<z.ZodObject<typeof temporalVariables>> & { TEMPORAL_ADDRESS: string },
): TemporalConfig {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace = 'default' } = variables;
  return { ...toTemporal(variables), address, namespace };
}

function toTemporal(
  variables: z.infer<z.ZodObject<typeof temporalVariables>>,
): Partial<TemporalConfig> {
  return defined({
    address: variables.TEMPORAL_ADDRESS,
    namespace: variables.TEMPORAL_NAMESPACE,
    apiKey: variables.TEMPORAL_API_KEY,
    tls: variables.TEMPORAL_TLS,
    tlsClientCertPath: variables.TEMPORAL_TLS_CLIENT_CERT_PATH,
    tlsClientKeyPath: variables.TEMPORAL_TLS_CLIENT_KEY_PATH,
    codecModule: variables.ORDER_DISPATCH_CODEC_MODULE,
  });
}

/** What a process of ours was told, by these variables. */
export function toProcess(variables: z.infer<z.ZodObject<typeof processVariables>>): ProcessConfig {
  return {
    logLevel: variables.LOG_LEVEL,
    healthHost: variables.HEALTH_HOST,
    ...defined({
      healthPort: variables.HEALTH_PORT,
      crashPoint: variables.ORDER_DISPATCH_CRASH_POINT,
      deliberateBug: variables.ORDER_DISPATCH_DELIBERATE_BUG,
    }),
  };
}
