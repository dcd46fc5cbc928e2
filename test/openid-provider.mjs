/** A real OpenID provider on a port of its own, as a thread: Jest loads no ES modules, and it is one. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import Provider from 'oidc-provider';

const { redirectUri, clientId, clientSecret, people } = workerData;

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  claims: { openid: ['sub'], profile: ['preferred_username', 'roles'], email: ['email'] },
  cookies: { keys: ['a key of the test'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
  // Else it says so on stderr.
  ttl: {
    AccessToken: 3_600,
    AuthorizationCode: 3_600,
    Grant: 3_600,
    IdToken: 3_600,
    Interaction: 3_600,
    Session: 3_600,
  },
});

const answer = provider.callback();

/** Stands for the pages on which somebody types a name and agrees: a header says the name. */
async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const accountId = request.headers['x-account'];
    const refused = { error: 'access_denied' };
    const result = accountId ? { login: { accountId } } : refused;
    await provider.interactionFinished(request, response, result);
    return;
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { consent });
}

server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  return interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});

parentPort.postMessage({ issuer });
