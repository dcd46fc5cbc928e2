import { isIP } from 'node:net';
import { z } from 'zod';
import { defined } from '../domain/defined';
import { InvalidConfiguration } from '../domain/errors';
import {
  amqpUrl,
  databaseUrl,
  httpUrl,
  processVariables,
  readVariables,
  temporalVariables,
  toProcess,
  toTemporalConfig,
  type Environment,
  type ProcessConfig,
  type TemporalConfig,
} from './config';

/** Ways in which the API learns who asks. */
export const API_AUTHS = ['none', 'tokens', 'oidc'] as const;

/** One of {@link API_AUTHS}. */
export type ApiAuth = (typeof API_AUTHS)[number];

const HOUR_MS = 3_600_000;

const apiSchema = z.object({
  ...temporalVariables,
  ...processVariables,
  TEMPORAL_ADDRESS: z.string().min(1),
  AMQP_URL: amqpUrl,
  ORDERS_DATABASE_URL: databaseUrl,
  /** With it, an order is shown with its dispatch. */
  DISPATCH_DATABASE_URL: databaseUrl.optional(),
  /** Where the API listens. */
  API_HOST: z.string().min(1).default('127.0.0.1'),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(8_700),
  API_AUTH: z.enum(API_AUTHS).default('none'),
  /** Where browsers find it; other Hosts and Origins are refused. */
  API_PUBLIC_URL: httpUrl.optional(),
  /** JSON of the tokens that it takes: `order-dispatch setup token` makes entries. */
  API_TOKENS_FILE: z.string().min(1).optional(),
  /** What session cookies are signed with; without it, sessions end with the process. */
  API_SESSION_SECRET: z.string().min(32, 'must have 32 characters or more').optional(),
  API_SESSION_HOURS: z.coerce.number().positive().max(720).default(12),
  /** Requests per minute and actor. */
  API_RATE_PER_MINUTE: z.coerce.number().int().min(1).default(6_000),
  /** Where Temporal's Web UI is, for links. */
  TEMPORAL_UI_URL: httpUrl.optional(),
  OIDC_ISSUER: httpUrl.optional(),
  OIDC_CLIENT_ID: z.string().min(1).optional(),
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  OIDC_SCOPES: z.string().min(1).default('openid profile email'),
  /** The claim that holds a role, or a list with one. */
  OIDC_ROLES_CLAIM: z.string().min(1).default('roles'),
  /** The claim that says who it is, in the audit. */
  OIDC_ACTOR_CLAIM: z.string().min(1).default('preferred_username'),
});

/** How people sign in by OpenID Connect. */
export interface OidcConfig {
  issuer: string;
  clientId: string;
  /** Absent for a public client: PKCE stands for it. */
  clientSecret?: string;
  scopes: string;
  rolesClaim: string;
  actorClaim: string;
}

/** The API's settings. */
export interface ApiConfig {
  temporal: TemporalConfig;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl?: string;
  host: string;
  port: number;
  auth: ApiAuth;
  publicUrl?: string;
  tokensFile?: string;
  sessionSecret?: string;
  sessionMs: number;
  ratePerMinute: number;
  temporalUiUrl?: string;
  oidc?: OidcConfig;
  process: ProcessConfig;
}

/**
 * Reads the API's settings.
 *
 * @throws {@link InvalidConfiguration} that names each bad variable, never its value.
 */
export function readApiConfig(environment: Environment = process.env): ApiConfig {
  const variables = readVariables(apiSchema, environment);
  const config: ApiConfig = {
    temporal: toTemporalConfig(variables),
    amqpUrl: variables.AMQP_URL,
    ordersDatabaseUrl: variables.ORDERS_DATABASE_URL,
    host: variables.API_HOST,
    port: variables.API_PORT,
    auth: variables.API_AUTH,
    sessionMs: variables.API_SESSION_HOURS * HOUR_MS,
    ratePerMinute: variables.API_RATE_PER_MINUTE,
    ...defined({
      dispatchDatabaseUrl: variables.DISPATCH_DATABASE_URL,
      publicUrl: variables.API_PUBLIC_URL,
      tokensFile: variables.API_TOKENS_FILE,
      sessionSecret: variables.API_SESSION_SECRET,
      temporalUiUrl: variables.TEMPORAL_UI_URL,
      oidc: toOidc(variables),
    }),
    process: toProcess(variables),
  };
  refuseUnsafe(config);
  return config;
}

function toOidc(variables: z.infer<typeof apiSchema>): OidcConfig | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: secret } = variables;
  if (variables.API_AUTH !== 'oidc') return undefined;
  if (issuer === undefined || clientId === undefined || variables.API_PUBLIC_URL === undefined) {
    throw new InvalidConfiguration(
      'API_AUTH=oidc needs OIDC_ISSUER, OIDC_CLIENT_ID and API_PUBLIC_URL',
    );
  }
  const { protocol, hostname } = new URL(issuer);
  if (protocol !== 'https:' && !isLoopback(hostname)) {
    throw new InvalidConfiguration(
      'OIDC_ISSUER must begin with https: what it says is who people are',
    );
  }
  return {
    issuer,
    clientId,
    ...(secret !== undefined && { clientSecret: secret }),
    scopes: variables.OIDC_SCOPES,
    rolesClaim: variables.OIDC_ROLES_CLAIM,
    actorClaim: variables.OIDC_ACTOR_CLAIM,
  };
}

/** Nobody is let in unasked, but for who sits at this machine. */
function refuseUnsafe({ auth, host, publicUrl, tokensFile }: ApiConfig): void {
  if (auth === 'none' && !isLoopback(host)) {
    throw new InvalidConfiguration(
      'API_AUTH=none lets everybody in, and so listens on 127.0.0.1, ::1 or localhost only: set API_AUTH to tokens or oidc, or leave API_HOST out',
    );
  }
  if (auth === 'none' && publicUrl !== undefined && !isLoopback(new URL(publicUrl).hostname)) {
    throw new InvalidConfiguration(
      'API_AUTH=none lets everybody in, and API_PUBLIC_URL is for others than who sits at this machine: set API_AUTH to tokens or oidc',
    );
  }
  if (auth === 'tokens' && tokensFile === undefined) {
    throw new InvalidConfiguration('API_AUTH=tokens needs API_TOKENS_FILE');
  }
  if (!isLoopback(host) && publicUrl === undefined) {
    throw new InvalidConfiguration(
      'API_HOST is not this machine alone: API_PUBLIC_URL is needed, by which the API knows its own name',
    );
  }
}

/** Whether only this machine reaches what listens there. */
function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
