import { Signer } from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as client from 'openid-client';
import { z } from 'zod';
import { parseActor } from '../../domain/act';
import { ROLES, type Role } from '../../domain/role';
import type { OidcConfig } from '../../runtime/api-config';
import type { Logger } from '../../runtime/logger';
import { Refusal } from '../problem';
import type { Sessions } from './session';

/** How long somebody may take at the provider, in seconds. */
const SIGN_IN_WITHIN_S = 600;

const COOKIE = 'order-dispatch-sign-in';

/** What is kept in a cookie while somebody is at the provider. */
const pendingSchema = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
});

type Pending = z.infer<typeof pendingSchema>;

/** What signing in by OpenID Connect needs. */
export interface OidcOptions {
  oidc: OidcConfig;
  publicUrl: string;
  sessions: Sessions;
  /** What the cookie meanwhile is signed with. */
  secret: string;
  log: Logger;
}

/**
 * Signs people in by OpenID Connect: the code flow with PKCE. The provider is asked for its facts when
 * somebody first signs in, so that the API starts without it.
 */
export function oidcRoutes(options: OidcOptions): (app: FastifyInstance) => void {
  const { oidc, publicUrl, sessions, secret, log } = options;
  const signer = new Signer(secret);
  const redirectUri = new URL('/auth/callback', publicUrl).href;
  const isSecure = publicUrl.startsWith('https:');
  // Lax: the provider sends the browser back to us, from another site.
  const attributes = { path: '/auth', httpOnly: true, secure: isSecure, sameSite: 'lax' } as const;
  const provider = discoverOnce(oidc, log);

  const login = async (request: FastifyRequest, reply: FastifyReply) => {
    const { returnTo = '/' } = request.query as { returnTo?: unknown };
    const verifier = client.randomPKCECodeVerifier();
    const pending: Pending = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier,
      returnTo: ownPath(returnTo, publicUrl),
    };
    const url = client.buildAuthorizationUrl(await provider(), {
      redirect_uri: redirectUri,
      scope: oidc.scopes,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: pending.state,
      nonce: pending.nonce,
    });
    const value = Buffer.from(JSON.stringify(pending)).toString('base64url');
    reply.setCookie(COOKIE, signer.sign(value), { ...attributes, maxAge: SIGN_IN_WITHIN_S });
    return reply.redirect(url.href);
  };

  const callback = async (request: FastifyRequest, reply: FastifyReply) => {
    const pending = readPending(signer.unsign(request.cookies[COOKIE] ?? '').value);
    reply.clearCookie(COOKIE, attributes);
    if (!pending)
      throw new Refusal('Unauthenticated', 'nobody began to sign in here: sign in again');
    const { actor, role } = await whoSignedIn(await provider(), {
      ...{ oidc, pending, log },
      url: new URL(request.url, publicUrl),
    });
    sessions.begin(reply, { actor, role });
    return reply.redirect(pending.returnTo);
  };

  return (app) => {
    app.get('/auth/login', { config: { allows: 'everybody' }, schema: { hide: true } }, login);
    app.get(
      '/auth/callback',
      { config: { allows: 'everybody' }, schema: { hide: true } },
      callback,
    );
  };
}

function discoverOnce(oidc: OidcConfig, log: Logger): () => Promise<client.Configuration> {
  let found: client.Configuration | undefined;
  return async () => {
    try {
      const { issuer, clientId, clientSecret } = oidc;
      // Only one on this machine, in a test say, is spoken to in clear.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that it stands out
      const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
      const authentication =
        clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
      found ??= await client.discovery(new URL(issuer), clientId, undefined, authentication, {
        execute,
      });
      return found;
    } catch (error) {
      log.error({ why: (error as Error).message }, 'the identity provider does not answer');
      throw new Refusal('SignInUnavailable', 'the identity provider does not answer: try again');
    }
  };
}

async function whoSignedIn(
  provider: client.Configuration,
  given: { oidc: OidcConfig; pending: Pending; url: URL; log: Logger },
): Promise<{ actor: string; role: Role }> {
  const { oidc, pending, url, log } = given;
  let claims: Record<string, unknown>;
  try {
    const tokens = await client.authorizationCodeGrant(provider, url, {
      pkceCodeVerifier: pending.verifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    });
    const proven = tokens.claims() ?? { sub: '' };
    const hasAll = [oidc.rolesClaim, oidc.actorClaim].every(
      (name) => claim(proven, name) !== undefined,
    );
    const more = hasAll
      ? {}
      : await client.fetchUserInfo(provider, tokens.access_token, proven.sub);
    claims = { ...more, ...proven };
  } catch (error) {
    const { code, error: said } = error as { code?: unknown; error?: unknown };
    log.warn({ code, said }, 'a sign-in failed');
    throw new Refusal('Unauthenticated', 'the identity provider did not confirm it: sign in again');
  }
  const role = roleOf(claim(claims, oidc.rolesClaim));
  if (!role) {
    throw new Refusal(
      'Forbidden',
      `you are signed in, but the claim ${oidc.rolesClaim} has no role of ${ROLES.join(', ')}`,
    );
  }
  const name = claim(claims, oidc.actorClaim) ?? claims['email'] ?? claims['sub'];
  return { actor: parseActor({ actor: name }), role };
}

/** A claim by its name, or by its way through others, such as `realm_access.roles`. */
function claim(claims: Record<string, unknown>, name: string): unknown {
  if (name in claims) return claims[name];
  return name.split('.').reduce<unknown>((value, part) => {
    const isObject = typeof value === 'object' && value !== null;
    return isObject ? (value as Record<string, unknown>)[part] : undefined;
  }, claims);
}

/** The most that a claim gives: `admin`, say, or `order-dispatch:admin` where others read it, too. */
function roleOf(value: unknown): Role | undefined {
  const given = (Array.isArray(value) ? value : [value]).map(String);
  return ROLES.findLast((role) => given.includes(role) || given.includes(`order-dispatch:${role}`));
}

function readPending(value: string | null): Pending | undefined {
  if (value === null) return undefined;
  try {
    return pendingSchema.parse(JSON.parse(Buffer.from(value, 'base64url').toString()));
  } catch {
    return undefined;
  }
}

/** Where somebody wanted to go, as long as that is here. */
function ownPath(returnTo: unknown, publicUrl: string): string {
  if (typeof returnTo !== 'string' || !URL.canParse(returnTo, publicUrl)) return '/';
  const { origin, pathname, search, hash } = new URL(returnTo, publicUrl);
  const path = `${pathname}${search}${hash}`;
  return origin === new URL(publicUrl).origin && !path.startsWith('//') ? path : '/';
}
