import { openAuthentication } from '../../api/auth/open-authentication';
import { silentLogger } from '../../runtime/logger';
import { freePort } from '../../stack/servers/ports';
import { buildTestApi, type TestApi } from '../api-bed';
import { openIdConfig, startOpenIdProvider } from '../openid-desk';
import type { Surroundings } from '../setup';

/** Nothing of these tests needs a service: they are about who asks. */
const NOWHERE = {
  amqpUrl: 'amqp://127.0.0.1:1',
  ordersDatabaseUrl: 'postgres://127.0.0.1:1/orders',
  dispatchDatabaseUrl: 'postgres://127.0.0.1:1/dispatch',
  namespace: 'none',
  stack: { temporalAddress: '127.0.0.1:1' },
} as Surroundings;

const PEOPLE = {
  '4711': { preferred_username: 'mia', email: 'mia@desk.example', roles: ['cook', 'operator'] },
  '4712': { email: 'ben@desk.example', roles: 'order-dispatch:admin' },
  '4713': { preferred_username: 'eve', roles: ['cook'] },
};

let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let api: TestApi;
let desk: string;

const buildDesk = async (issuer: string) => {
  const authentication = await openAuthentication(openIdConfig(desk, issuer), silentLogger());
  return buildTestApi(NOWHERE, { authentication, publicUrl: desk });
};

beforeAll(async () => {
  const port = await freePort();
  desk = `http://127.0.0.1:${port}`;
  provider = await startOpenIdProvider(desk, PEOPLE);
  api = await buildDesk(provider.issuer);
  await api.app.listen({ host: '127.0.0.1', port });
});
afterAll(async () => {
  await api.close();
  await provider.end();
});

/** A browser, as far as it goes from page to page and keeps cookies. */
class Browser {
  private readonly cookies = new Map<string, Map<string, string>>();

  constructor(private readonly account?: keyof typeof PEOPLE) {}

  async get(url: string, more: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const kept = this.cookies.get(origin) ?? new Map<string, string>();
    this.cookies.set(origin, kept);
    const headers = {
      cookie: [...kept].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(this.account && { 'x-account': this.account }),
      ...(more.headers as Record<string, string>),
    };
    const answer = await fetch(url, { ...more, headers, redirect: 'manual' });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) kept.delete(name);
      else kept.set(name, value);
    }
    return answer;
  }

  /** Follows redirects until one leads to a page of the desk, or to none. */
  async follow(start: string): Promise<{ url: string; answer: Response }> {
    let url = start;
    for (let hop = 0; hop < 12; hop += 1) {
      const answer = await this.get(url);
      const to = answer.headers.get('location');
      if (to === null) return { url, answer };
      url = new URL(to, url).href;
      if (url.startsWith(desk) && !url.startsWith(`${desk}/auth/`)) return { url, answer };
    }
    throw new Error('it leads nowhere');
  }
}

const signIn = async (account: keyof typeof PEOPLE | undefined, returnTo = '/tasks?x=1') => {
  const browser = new Browser(account);
  const login = `${desk}/auth/login?returnTo=${encodeURIComponent(returnTo)}`;
  return { browser, ...(await browser.follow(login)) };
};

describe('signing in by OpenID Connect', () => {
  test('leads back to where one wanted to go, with the role that the claim gives', async () => {
    const { browser, url } = await signIn('4711');
    expect(url).toBe(`${desk}/tasks?x=1`);
    const session = await browser.get(`${desk}/v1/session`);
    expect(await session.json()).toMatchObject({ actor: 'mia', role: 'operator', auth: 'oidc' });
  });

  test('takes a claim that is one word, and another name where one has no user name', async () => {
    const { browser } = await signIn('4712');
    const session = await browser.get(`${desk}/v1/session`);
    expect(await session.json()).toMatchObject({ actor: 'ben@desk.example', role: 'admin' });
  });

  test('lets nobody in without a role', async () => {
    const { browser, answer } = await signIn('4713');
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'Forbidden' });
    expect((await browser.get(`${desk}/v1/session`)).status).toBe(401);
  });

  test('lets nobody in whom the provider refuses', async () => {
    const { answer } = await signIn(undefined);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'Unauthenticated' });
  });

  test.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'never leads to %s',
    async (returnTo) => {
      const { url } = await signIn('4711', returnTo);
      expect(new URL(url).origin).toBe(desk);
    },
  );

  test('ends with signing out', async () => {
    const { browser } = await signIn('4711');
    const headers = { 'x-requested-with': 'order-dispatch' };
    const ended = await browser.get(`${desk}/v1/session`, { method: 'DELETE', headers });
    expect(ended.status).toBe(204);
    expect((await browser.get(`${desk}/v1/session`)).status).toBe(401);
  });

  test('an answer of the provider counts for the browser that asked alone', async () => {
    const browser = new Browser('4711');
    let url = `${desk}/auth/login`;
    while (!url.startsWith(`${desk}/auth/callback`)) {
      url = new URL((await browser.get(url)).headers.get('location') ?? '', url).href;
    }
    const other = await new Browser().get(url);
    expect(other.status).toBe(401);
    const forged = await browser.get(url.replace(/state=[^&]*/, 'state=forged'));
    expect(forged.status).toBe(401);
  });

  test('says so where the provider does not answer, and takes no token where no file is given', async () => {
    const alone = await buildDesk('http://127.0.0.1:1');
    const { host } = new URL(desk);
    const login = await alone.ask('GET', '/auth/login', { headers: { host } });
    expect(login).toMatchObject({ status: 503, body: { code: 'SignInUnavailable' } });
    const headers = { host, authorization: 'Bearer the-admin~x' };
    expect(await alone.ask('GET', '/v1/session', { headers })).toMatchObject({
      status: 401,
      body: { auth: 'oidc' },
    });
    await alone.close();
  });
});
