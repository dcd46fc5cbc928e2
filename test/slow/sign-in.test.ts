import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openAuthentication } from '../../api/auth/open-authentication';
import { makeToken } from '../../operations/api-tokens';
import { silentLogger } from '../../runtime/logger';
import { freePort } from '../../stack/servers/ports';
import { buildTestApi, type TestApi } from '../api-bed';
import { openIdConfig, startOpenIdProvider } from '../openid-desk';
import { createFolder } from '../run-cli';
import { newOrder, openTask, setup, type TestBed } from '../setup';
import {
  buildConsole,
  describeInBrowser,
  openBrowser,
  seen,
  type DeskBrowser,
} from '../browser/desk-browser';

describeInBrowser('signing in at a real desk', () => {
  let bed: TestBed;
  let browser: DeskBrowser;
  let consoleFolder: string;
  let folder: Awaited<ReturnType<typeof createFolder>>;
  const desks: TestApi[] = [];

  beforeAll(async () => {
    [bed, consoleFolder, folder] = await Promise.all([
      setup({ policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 500, maximumAttempts: 1 } }),
      buildConsole(),
      createFolder(),
    ]);
    browser = await openBrowser();
  });

  afterEach(async () => {
    expect(await browser.closePages()).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    for (const desk of desks) await desk.close();
    await bed?.close();
    await folder?.remove();
  });

  const openDesk = async (
    port: number,
    config: Parameters<typeof openAuthentication>[0] & { publicUrl: string },
  ) => {
    const authentication = await openAuthentication(config, silentLogger());
    const { publicUrl } = config;
    const desk = await buildTestApi(bed, { authentication, consoleFolder, publicUrl });
    desks.push(desk);
    await desk.app.listen({ host: '127.0.0.1', port });
  };
  /** What comes while nobody touches the page: the stream is signed in, too. */
  const hearsOfATask = async (page: Page) => {
    await seen(page, 'live');
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    await openTask(await bed.client.placeOrder(order));
    await seen(page, /1 new/);
  };

  test('with a token: a wrong one is refused, a right one is a session until one signs out', async () => {
    const tokensFile = join(folder.path, 'tokens.json');
    const { token, entry } = await makeToken({ name: 'mia', role: 'operator' });
    await writeFile(tokensFile, JSON.stringify([entry]));
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    await openDesk(port, { auth: 'tokens', publicUrl, tokensFile, sessionMs: 3_600_000 });
    const page = await browser.open(`${publicUrl}/inbox`);
    await page.getByLabel('Access token').fill(`${token}x`);
    await page.keyboard.press('Enter');
    await seen(page, 'this token is nobody’s');
    await page.getByLabel('Access token').fill(token);
    await page.keyboard.press('Enter');
    await seen(page, 'mia');
    await seen(page, 'operator');
    await hearsOfATask(page);
    // It is not for the next one at this screen.
    await page.getByLabel('Sign out').click();
    await page.getByLabel('Access token').waitFor();
    await page.reload();
    await page.getByLabel('Access token').waitFor();
  });

  test('at an OpenID provider: one comes back to the page that one wanted, as whom the provider says', async () => {
    const port = await freePort();
    const desk = `http://127.0.0.1:${port}`;
    const people = { '4711': { preferred_username: 'jonas', roles: ['admin'] } };
    const provider = await startOpenIdProvider(desk, people);
    await openDesk(port, openIdConfig(desk, provider.issuer));
    const page = await browser.open(`${desk}/orders?status=escalated`);
    await page.setExtraHTTPHeaders({ 'x-account': '4711' });
    await page.getByRole('link', { name: 'Sign in' }).click();
    await seen(page, 'jonas');
    await seen(page, 'admin');
    expect(page.url()).toBe(`${desk}/orders?status=escalated`);
    await page.goto(`${desk}/inbox`);
    await hearsOfATask(page);
    await page.getByLabel('Sign out').click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await provider.end();
  });
});
