import { randomBytes } from 'node:crypto';
import { defined } from '../../domain/defined';
import type { ApiConfig } from '../../runtime/api-config';
import type { Logger } from '../../runtime/logger';
import type { Authentication } from '../access';
import { authenticateNobody } from './none';
import { oidcRoutes } from './oidc';
import { keepSessions } from './session';
import { authenticateSignedIn } from './signed-in';
import { readTokens } from './tokens';

/**
 * Prepares what learns who asks, as the settings say.
 *
 * @throws InvalidConfiguration where the tokens file cannot be used.
 */
export async function openAuthentication(
  config: Pick<
    ApiConfig,
    'auth' | 'publicUrl' | 'tokensFile' | 'sessionSecret' | 'sessionMs' | 'oidc'
  >,
  log: Logger,
): Promise<Authentication> {
  const { auth, publicUrl, tokensFile, sessionMs, oidc } = config;
  if (auth === 'none') return authenticateNobody();
  const secret = config.sessionSecret ?? randomBytes(32).toString('base64url');
  const isSecure = publicUrl?.startsWith('https:') ?? false;
  const sessions = keepSessions({ secret, lastMs: sessionMs, isSecure });
  const tokens = tokensFile === undefined ? undefined : await readTokens(tokensFile, log);
  if (oidc === undefined || publicUrl === undefined) {
    return authenticateSignedIn({ kind: auth, sessions, ...defined({ tokens }) });
  }
  const routes = oidcRoutes({ oidc, publicUrl, sessions, secret, log });
  return authenticateSignedIn({ kind: auth, sessions, ...defined({ tokens, routes }) });
}
