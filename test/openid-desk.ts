import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ApiConfig } from '../runtime/api-config';

/** People as an OpenID provider knows them: claims by subject. */
export type People = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const CLIENT = { clientId: 'the-desk', clientSecret: 'a secret of the test' };

/**
 * Starts a real OpenID provider that knows one desk. The header `x-account` stands for what somebody would
 * type on its pages.
 *
 * @param desk the desk's URL.
 */
export async function startOpenIdProvider(
  desk: string,
  people: People,
): Promise<{ issuer: string; end: () => Promise<unknown> }> {
  const provider = new Worker(join(__dirname, 'openid-provider.mjs'), {
    workerData: { redirectUri: `${desk}/auth/callback`, people, ...CLIENT },
    stderr: true,
    stdout: true,
  });
  const [{ issuer }] = (await once(provider, 'message')) as [{ issuer: string }];
  return { issuer, end: () => provider.terminate() };
}

/** How a desk is told of the provider. */
export function openIdConfig(desk: string, issuer: string) {
  return {
    ...{ auth: 'oidc' as const, publicUrl: desk, sessionMs: 3_600_000 },
    oidc: {
      ...{ issuer, ...CLIENT, scopes: 'openid profile email' },
      ...{ rolesClaim: 'roles', actorClaim: 'preferred_username' },
    },
  } satisfies Partial<ApiConfig>;
}
