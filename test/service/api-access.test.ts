import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { openAuthentication } from '../../api/auth/open-authentication';
import { makeToken, type TokenEntry } from '../../operations/api-tokens';
import { ROLES, type Role } from '../../domain/role';
import { readApiConfig } from '../../runtime/api-config';
import { silentLogger } from '../../runtime/logger';
import { actingAs, buildTestApi, type TestApi } from '../api-bed';
import { runCli } from '../run-cli';
import { createSurroundings, eventually, newOrder, type Surroundings } from '../setup';

const OWN = { 'x-requested-with': 'order-dispatch' };
const DESK = 'https://desk.example';
/** What a browser says of a link or a form of another site's page that takes it here. */
const FOLLOWED = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };

let surroundings: Surroundings;
let folder: string;
let tokensFile: string;
const tokens = {} as Record<Role, string>;
const entries: TokenEntry[] = [];
const open: TestApi[] = [];

beforeAll(async () => {
  surroundings = await createSurroundings();
  folder = mkdtempSync(join(tmpdir(), 'order-dispatch-api-'));
  tokensFile = join(folder, 'tokens.json');
  for (const role of ROLES) {
    const { token, entry } = await makeToken({ name: `the-${role}`, role });
    tokens[role] = token;
    entries.push(entry);
  }
  writeFileSync(tokensFile, JSON.stringify(entries));
});
afterAll(async () => {
  await Promise.all(open.map((api) => api.close()));
  rmSync(folder, { recursive: true });
  await surroundings.remove();
});

const build = async (options: Parameters<typeof buildTestApi>[1] = {}) => {
  const api = await buildTestApi(surroundings, options);
  open.push(api);
  return api;
};
const withTokens = async (more: { sessionMs?: number; publicUrl?: string; file?: string } = {}) => {
  const { sessionMs = 3_600_000, publicUrl, file = tokensFile } = more;
  const given = { auth: 'tokens' as const, tokensFile: file, sessionMs };
  const authentication = await openAuthentication(
    { ...given, ...(publicUrl !== undefined && { publicUrl }) },
    silentLogger(),
  );
  return build({ authentication, ...(publicUrl !== undefined && { publicUrl }) });
};
/** One without a sign-in, for all that do not change it. */
let localApi: Promise<TestApi> | undefined;
const local = () => (localApi ??= build());
const bearer = (role: Role) => ({ authorization: `Bearer ${tokens[role]}` });
const cookieOf = ({ headers }: { headers: Record<string, unknown> }) =>
  String(headers['set-cookie']).split(';')[0] ?? '';

describe('roles', () => {
  /** What each may: the others are refused. */
  const READS = ['viewer', 'operator', 'admin'];
  const ORDERS = ['service', ...READS];
  const ACTS = ['operator', 'admin'];
  const table: [string, string, readonly string[]][] = [
    ['GET', '/v1/session', ORDERS],
    ['POST', '/v1/orders', ['service', ...ACTS]],
    ['GET', '/v1/orders', ORDERS],
    ['GET', '/v1/orders/{orderId}', ORDERS],
    ['GET', '/v1/orders/{orderId}/timeline', READS],
    ['GET', '/v1/orders/{orderId}/why', READS],
    ['GET', '/v1/orders/{orderId}/messages', READS],
    ['POST', '/v1/orders/{orderId}/cancel', ACTS],
    ['POST', '/v1/orders/{orderId}/reconcile', ACTS],
    ['GET', '/v1/tasks', READS],
    ['GET', '/v1/tasks/{taskId}', READS],
    ['POST', '/v1/tasks/{taskId}/claim', ACTS],
    ['POST', '/v1/tasks/{taskId}/release', ACTS],
    ['POST', '/v1/tasks/{taskId}/snooze', ACTS],
    ['POST', '/v1/tasks/{taskId}/note', ACTS],
    ['POST', '/v1/tasks/{taskId}/resolve', ACTS],
    ['POST', '/v1/bulk/plan', ['admin']],
    ['POST', '/v1/bulk', ['admin']],
    ['GET', '/v1/bulk', READS],
    ['GET', '/v1/bulk/{bulkId}', READS],
    ['POST', '/v1/bulk/{bulkId}/abort', ['admin']],
    ['GET', '/v1/dead-letters', READS],
    ['GET', '/v1/dead-letters/{id}', READS],
    ['POST', '/v1/dead-letters/replay', ACTS],
    ['GET', '/v1/dead-letters/replays/{replayId}', READS],
    ['POST', '/v1/dead-letters/discard', ['admin']],
    ['POST', '/v1/erasures', ['admin']],
    ['GET', '/v1/repairs', READS],
    ['GET', '/v1/repairs/{id}', READS],
    ['GET', '/v1/audit', READS],
    ['GET', '/v1/health', READS],
    ['GET', '/v1/health/history', READS],
    ['GET', '/v1/hold', READS],
    ['POST', '/v1/hold', ['admin']],
    ['POST', '/v1/hold/release', ['admin']],
    ['GET', '/v1/stream', READS],
  ];
  /** Roles are looked at before what is sent, which is of no use here on purpose. */
  const unusable = (url: string) => url.replace(/\{\w+\}/g, '%00');

  test('every route is in the table, and lets in whom it says', async () => {
    const api = await withTokens();
    const { paths } = (await api.ask('GET', '/openapi.json')).body;
    const known = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const others = ['POST /v1/session', 'DELETE /v1/session'];
    expect(known.sort()).toEqual(
      [...table.map(([method, path]) => `${method} ${path}`), ...others].sort(),
    );
    for (const [method, path, may] of table) {
      for (const role of ROLES) {
        const isStream = path === '/v1/stream';
        if (isStream && may.includes(role)) continue;
        const query = method === 'GET' ? '?nonsense=1' : '';
        const answer = await api.ask(method as 'GET', unusable(path) + query, {
          headers: bearer(role),
          ...(method === 'POST' && { body: { nonsense: 1 } }),
        });
        const isRefused = answer.status === 403;
        expect({ method, path, role, isRefused }).toEqual({
          method,
          path,
          role,
          isRefused: !may.includes(role),
        });
        if (isRefused) expect(answer.body).toMatchObject({ code: 'Forbidden' });
      }
    }
  });

  test('without a sign-in, every route says 401, and how one signs in', async () => {
    const api = await withTokens();
    for (const [method, path] of table) {
      const answer = await api.ask(method as 'GET', unusable(path), {
        ...(method === 'POST' && { body: {} }),
      });
      expect({ path, ...answer }).toMatchObject({
        ...{ path, status: 401 },
        body: { code: 'Unauthenticated', auth: 'tokens' },
      });
    }
    const wrong = { authorization: `Bearer the-admin~${'x'.repeat(43)}` };
    expect(await api.ask('GET', '/v1/session', { headers: wrong })).toMatchObject({ status: 401 });
  });

  test('an operator replays one dead letter at a time', async () => {
    const api = await withTokens();
    const replay = (ids: string[], role: Role) =>
      api.ask('POST', '/v1/dead-letters/replay', {
        ...{ headers: bearer(role), body: { ids, note: 'n' } },
      });
    expect(await replay(['1', '2'], 'operator')).toMatchObject({ status: 403 });
    expect(await replay(['1'], 'operator')).toMatchObject({ status: 202 });
    expect(await replay(['1', '2'], 'admin')).toMatchObject({ status: 202 });
  });
});

describe('a session', () => {
  const signIn = (api: TestApi, role: Role, headers = {}) =>
    api.ask('POST', '/v1/session', { body: { token: tokens[role] }, headers });

  test('begins with a token, is a cookie that no page can read, and ends by signing out', async () => {
    const api = await withTokens();
    const begun = await signIn(api, 'operator');
    expect(begun).toMatchObject({ status: 200, body: { actor: 'the-operator', role: 'operator' } });
    expect(begun.headers['set-cookie']).toMatch(
      /^order-dispatch=.*; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(String(begun.headers['set-cookie'])).not.toContain(tokens.operator);
    const cookie = cookieOf(begun);
    expect(await api.ask('GET', '/v1/session', { headers: { cookie } })).toMatchObject({
      status: 200,
      body: {
        actor: 'the-operator',
        role: 'operator',
        auth: 'tokens',
        version: expect.any(String),
      },
    });
    const ended = await api.ask('DELETE', '/v1/session', { headers: { cookie, ...OWN } });
    expect(ended.status).toBe(204);
    expect(await api.ask('GET', '/v1/session', { headers: { cookie } })).toMatchObject({
      status: 401,
    });
    expect(await api.ask('POST', '/v1/session', { body: { token: 'nobody~x' } })).toMatchObject({
      status: 401,
    });
  });

  test('changes nothing without the header that a page elsewhere cannot send', async () => {
    const api = await withTokens();
    const cookie = cookieOf(await signIn(api, 'admin'));
    const hold = (headers = {}) =>
      api.ask('POST', '/v1/hold', { body: { note: '' }, headers: { cookie, ...headers } });
    expect(await hold()).toMatchObject({ status: 403, body: { code: 'Forbidden' } });
    // Past the guard: the note is looked at.
    expect(await hold(OWN)).toMatchObject({ status: 400 });
  });

  test('is over after its time, and where its value was changed', async () => {
    const api = await withTokens();
    const cookie = cookieOf(await signIn(api, 'viewer'));
    const ask = (value: string, of = api) =>
      of.ask('GET', '/v1/session', { headers: { cookie: value } });
    expect((await ask(cookie)).status).toBe(200);
    const [name, value = ''] = cookie.split('=');
    const admin = JSON.parse(Buffer.from(value.split('.')[0] ?? '', 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...admin, role: 'admin' })).toString('base64url');
    expect((await ask(`${name}=${forged}.${value.split('.')[1]}`)).status).toBe(401);
    const brief = await withTokens({ sessionMs: 300 });
    const passing = cookieOf(await signIn(brief, 'viewer'));
    await eventually(async () => (await ask(passing, brief)).status === 401);
  });

  test('over TLS, its cookie is Secure and bound to this host', async () => {
    const api = await withTokens({ publicUrl: DESK });
    const begun = await signIn(api, 'viewer', { host: 'desk.example', origin: DESK });
    expect(begun.headers['set-cookie']).toMatch(
      /^__Host-order-dispatch=.*; Secure; SameSite=Strict$/,
    );
    expect(begun.headers['strict-transport-security']).toBeDefined();
  });

  test('has its token’s role of now, and ends once the token is taken out of the file', async () => {
    const file = join(folder, 'changing.json');
    writeFileSync(file, entries.map((entry) => JSON.stringify(entry)).join('\n'));
    const api = await withTokens({ file });
    const cookie = cookieOf(await signIn(api, 'viewer'));
    const both = async () => {
      const asked = await Promise.all([
        api.ask('GET', '/v1/session', { headers: { cookie } }),
        api.ask('GET', '/v1/session', { headers: bearer('viewer') }),
      ]);
      return asked.map(({ status }) => status);
    };
    expect(await both()).toEqual([200, 200]);
    let age = 0;
    const change = (changed: TokenEntry[]) => {
      writeFileSync(file, JSON.stringify(changed));
      utimesSync(file, new Date(), new Date(Date.now() + (age += 5_000)));
    };
    // Who gets another role has it in the session that is open, too.
    change(
      entries.map((entry) => (entry.role === 'viewer' ? { ...entry, role: 'service' } : entry)),
    );
    const tasks = (headers: Record<string, string>) => api.ask('GET', '/v1/tasks', { headers });
    await eventually(async () => (await tasks({ cookie })).status === 403);
    expect((await tasks(bearer('viewer'))).status).toBe(403);
    change(entries.filter(({ role }) => role !== 'viewer'));
    await eventually(async () => (await both()).every((status) => status === 401));
    // A file that is broken meanwhile locks nobody out.
    writeFileSync(file, '[');
    expect((await api.ask('GET', '/v1/session', { headers: bearer('admin') })).status).toBe(200);
  });

  test('who guesses tokens is soon not answered any more, and who is known there still is', async () => {
    const api = await withTokens();
    const known = () => api.ask('GET', '/v1/session', { headers: bearer('admin') });
    expect((await known()).status).toBe(200);
    const guess = (n: number) =>
      api.ask('POST', '/v1/session', { body: { token: `the-admin~${n}` } });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push((await guess(n)).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect((await known()).status).toBe(200);
  });
});

test('the command line makes a token, which lets one in with its role', async () => {
  const made = await runCli(['setup', 'token', '--name', 'ci', '--role', 'service', '--json']);
  const { token, entry } = JSON.parse(made.stdout) as { token: string; entry: object };
  expect(JSON.stringify(entry)).not.toContain(token.split('~')[1]);
  const file = join(folder, 'made.json');
  writeFileSync(file, JSON.stringify([entry]));
  const api = await withTokens({ file });
  const headers = { authorization: `Bearer ${token}` };
  expect(await api.ask('GET', '/v1/session', { headers })).toMatchObject({
    body: { actor: 'ci', role: 'service' },
  });
  const refused = await runCli(['setup', 'token', '--name', 'a b', '--role', 'viewer']);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
});

describe('pages and names of elsewhere', () => {
  test.each([
    ['a Host that is not ours', { host: 'evil.example' }, 403],
    ['a Host that leads here by a trick', { host: 'localhost.evil.example:8700' }, 403],
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['a page of another port', { host: 'localhost:8700', origin: 'http://localhost:9000' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a request of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a link of another site that somebody follows', FOLLOWED, 200],
    ['a page of ours', { host: 'localhost:8700', origin: 'http://localhost:8700' }, 200],
    ['this machine', { host: '127.0.0.1:8700' }, 200],
    ['this machine by IPv6', { host: '[::1]:8700' }, 200],
  ])('of %s, with %j, the answer is %i', async (_, headers, status) => {
    const answer = await (await local()).ask('GET', '/v1/hold', { headers });
    expect(answer.status).toBe(status);
  });

  test('a form of another site is refused, though a link of it is followed', async () => {
    // Its note would be refused, too, but later.
    const sent = { headers: FOLLOWED, body: { note: '' } };
    expect(await (await local()).ask('POST', '/v1/hold', sent)).toMatchObject({
      status: 403,
      body: { detail: 'a page of another origin sent this' },
    });
  });

  test('with a public URL, that host and that origin are ours', async () => {
    const api = await build({ publicUrl: DESK });
    const ask = (headers: Record<string, string>) => api.ask('GET', '/v1/hold', { headers });
    expect((await ask({ host: 'desk.example', origin: DESK })).status).toBe(200);
    expect((await ask({ host: 'desk.example', origin: 'http://desk.example.evil' })).status).toBe(
      403,
    );
    expect((await ask({ host: 'desk.example', origin: 'http://desk.example' })).status).toBe(403);
    expect((await ask({ host: 'other.example' })).status).toBe(403);
  });

  test('probes are answered by whatever name they come', async () => {
    const api = await local();
    const answer = await api.ask('GET', '/live', { headers: { host: '10.1.2.3:8700' } });
    expect(answer).toMatchObject({ status: 200, body: { status: 'up' } });
  });

  test('answers tell browsers to be strict', async () => {
    const { headers } = await (await local()).ask('GET', '/docs');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|nonce|http:/);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('the page of the description obeys that: it runs nothing, and loads nothing from elsewhere', async () => {
    const { text } = await (await local()).ask('GET', '/docs');
    expect(text).not.toMatch(/<script|<style|src=|style="| on\w+="/);
    expect([...text.matchAll(/<link[^>]*>/g)].map(([link]) => link)).toEqual([
      '<link rel="stylesheet" href="/docs.css">',
    ]);
    const style = await (await local()).ask('GET', '/docs.css');
    expect(style).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringContaining('text/css') },
    });
    expect(style.text).not.toMatch(/@import|url\(/);
  });
});

describe('what cannot be answered', () => {
  test.each([
    ['GET', '/v1/nothing', undefined, 404, 'NotFound'],
    ['GET', '/v1/orders/%00', undefined, 400, 'UsageError'],
    ['GET', '/v1/orders?limit=0', undefined, 400, 'UsageError'],
    ['GET', '/v1/orders?nonsense=1', undefined, 400, 'UsageError'],
    ['GET', '/v1/orders?after=x', undefined, 400, 'UsageError'],
    ['GET', '/v1/orders/x', undefined, 404, 'OrderNotFound'],
    ['POST', '/v1/orders', { order: {} }, 400, 'InvalidOrder'],
    ['POST', '/v1/hold', { note: 'n', actor: 'mia' }, 400, 'UsageError'],
    ['POST', '/v1/tasks/x/release', {}, 409, 'ResolutionRefused'],
  ] as const)('%s %s is a problem: %j -> %i %s', async (method, url, body, status, code) => {
    const api = await local();
    const answer = await api.ask(method, url, body ? { body } : {});
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(Object.keys(answer.body)).toEqual(expect.arrayContaining(['type', 'title', 'detail']));
  });

  test('bodies that are too large, of another type, or no JSON', async () => {
    const api = await local();
    const send = (payload: string, type: string) =>
      api.app.inject({
        ...{ method: 'POST', url: '/v1/orders', payload },
        headers: { host: 'localhost', 'content-type': type },
      });
    const large = JSON.stringify({ order: { note: 'x'.repeat(300_000) } });
    expect((await send(large, 'application/json')).json()).toMatchObject({
      code: 'TooLarge',
      status: 413,
    });
    expect((await send('x', 'text/plain')).json()).toMatchObject({ code: 'UnsupportedMediaType' });
    expect((await send('{', 'application/json')).json()).toMatchObject({ code: 'UsageError' });
  });

  test('too many requests of one are put off, and nobody else’s', async () => {
    const api = await build({ ratePerMinute: 2, authentication: actingAs('viewer') });
    const ask = () => api.ask('GET', '/v1/hold');
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200]);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { code: 'RateLimited' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await api.ask('GET', '/live')).status).toBe(200);
  });

  test('with Temporal and the databases away it starts, says that it lives, and 503 to the rest', async () => {
    const away = 'postgres://user:secret@127.0.0.1:1/orders';
    const api = await buildTestApi(
      { ...surroundings, ordersDatabaseUrl: away, dispatchDatabaseUrl: away },
      { temporalAddress: '127.0.0.1:1' },
    );
    open.push(api);
    expect((await api.ask('GET', '/live')).status).toBe(200);
    const answers = await Promise.all([
      api.ask('GET', '/v1/tasks'),
      api.ask('POST', '/v1/orders', { body: { order: newOrder() } }),
    ]);
    for (const [index, code] of ['DatabaseUnavailable', 'DispatchUnavailable'].entries()) {
      const answer = answers[index];
      expect(answer).toMatchObject({
        status: 503,
        body: { code },
        headers: { 'retry-after': '5' },
      });
      expect(answer?.text).not.toContain('secret');
    }
    expect((await api.ask('GET', '/v1/orders/x/why')).body).toMatchObject({ waitsFor: 'notKnown' });
  });
});

describe('the console', () => {
  test('is served with its one page for every view, and its files', async () => {
    const built = join(folder, 'console');
    mkdirSync(join(built, 'assets'), { recursive: true });
    writeFileSync(join(built, 'index.html'), '<title>the desk</title>');
    writeFileSync(join(built, 'assets', 'main.js'), 'let desk;');
    const api = await build({ consoleFolder: built, authentication: actingAs('viewer') });
    for (const url of ['/', '/tasks/dispatch-order%2Fo-1?x=1', '/index.html']) {
      const { status, text, headers } = await api.ask('GET', url);
      expect({ url, status, text }).toEqual({ url, status: 200, text: '<title>the desk</title>' });
      expect(headers).toMatchObject({ 'cache-control': 'no-cache' });
    }
    const script = await api.ask('GET', '/assets/main.js');
    expect(script).toMatchObject({ status: 200, text: 'let desk;' });
    expect(script.headers['cache-control']).toContain('immutable');
    for (const url of [
      '/assets/none.js',
      '/../tokens.json',
      '/%2e%2e/tokens.json',
      '/v1/none',
      '/auth/none',
      '/ready',
      '/metrics',
    ]) {
      const { status, text } = await api.ask('GET', url);
      expect({ url, status }).toEqual({ url, status: 404 });
      expect(text).not.toContain('scrypt');
    }
  });

  test('where it is not built, the description stands there', async () => {
    const api = await build({ consoleFolder: join(folder, 'none') });
    expect(await api.ask('GET', '/')).toMatchObject({
      status: 302,
      headers: { location: '/docs' },
    });
  });
});

test('the log says who did what, how it ended and how long it took, and nothing of whom it was about', async () => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const api = await build({ log: pino(stream), authentication: actingAs('operator', 'mia') });
  await api.ask('GET', '/v1/orders/o-secret/timeline?x=1');
  await api.ask('GET', '/v1/orders?customerId=c-secret');
  await api.ask('POST', '/v1/orders', {
    body: { order: { ...newOrder(), customerId: 'c-secret', x: 1 } },
  });
  await api.ask('POST', '/v1/tasks/t-secret/note', { body: { note: 'secret' } });
  await eventually(() => lines.length === 4);
  expect(lines.join('')).not.toContain('secret');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    {
      method: 'GET',
      route: '/v1/orders/:orderId/timeline',
      status: 404,
      actor: 'mia',
      ms: expect.any(Number),
    },
    { method: 'GET', route: '/v1/orders', status: 200 },
    { method: 'POST', route: '/v1/orders', status: 400 },
    { method: 'POST', route: '/v1/tasks/:taskId/note', status: 409 },
  ]);
});

describe('the settings', () => {
  const NEEDED = {
    TEMPORAL_ADDRESS: 'localhost:7233',
    AMQP_URL: 'amqp://localhost',
    ORDERS_DATABASE_URL: 'postgres://localhost/orders',
  };

  test('without any, it listens to this machine alone', () => {
    expect(readApiConfig(NEEDED)).toMatchObject({ host: '127.0.0.1', port: 8700, auth: 'none' });
  });

  test.each([
    [{ API_HOST: '0.0.0.0' }, /API_AUTH=none .* listens on 127.0.0.1/],
    [{ API_HOST: '192.168.0.1', API_AUTH: 'none' }, /API_AUTH=none/],
    [{ API_PUBLIC_URL: DESK }, /API_PUBLIC_URL is for others/],
    [{ API_AUTH: 'tokens' }, /needs API_TOKENS_FILE/],
    [{ API_AUTH: 'tokens', API_TOKENS_FILE: 'x', API_HOST: '0.0.0.0' }, /API_PUBLIC_URL is needed/],
    [{ API_AUTH: 'oidc' }, /needs OIDC_ISSUER, OIDC_CLIENT_ID and API_PUBLIC_URL/],
    [{ API_SESSION_SECRET: 'short' }, /API_SESSION_SECRET: must have 32/],
    [
      {
        ...{ API_AUTH: 'oidc', API_PUBLIC_URL: DESK, OIDC_CLIENT_ID: 'x' },
        OIDC_ISSUER: 'http://id.example',
      },
      /OIDC_ISSUER must begin with https/,
    ],
  ])('%j is refused', (variables, message) => {
    expect(() => readApiConfig({ ...NEEDED, ...variables })).toThrow(message);
  });

  test.each([
    ['no JSON', 'x', /neither a JSON array nor JSON lines/],
    ['another role', JSON.stringify([{ name: 'a', role: 'king', hash: 'x' }]), /entry 1, role/],
    ['another hash', JSON.stringify([{ name: 'a', role: 'admin', hash: 'x' }]), /entry 1, hash/],
    ['no such file', undefined, /cannot be read \(ENOENT\)/],
  ])('a tokens file with %s is refused', async (_, text, message) => {
    const file = join(folder, 'bad.json');
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    await expect(withTokens({ file })).rejects.toThrow(message);
  });
});
