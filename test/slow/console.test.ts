import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../markdown';
import {
  buildConsole,
  describeInBrowser,
  openBrowser,
  press,
  rowsOf,
  seen,
  settled,
  type DeskBrowser,
} from '../browser/desk-browser';
import { openMockDesk, type MockDesk } from '../browser/mock-desk';
import { patience } from '../patience';
import { eventually } from '../setup';

jest.setTimeout(patience(60_000));

const TASKS = 10_000;

const PAGES = [
  '/inbox',
  '/orders',
  '/orders/o-2611-00012',
  '/overview?range=day',
  '/dead-letters?id=3',
  '/repairs?id=22',
  '/bulk',
  '/bulk/1',
  '/audit',
  '/hold',
];

describeInBrowser('the console, in a browser', () => {
  let browser: DeskBrowser;
  let desk: MockDesk;

  beforeAll(async () => {
    desk = await openMockDesk({ consoleFolder: await buildConsole(), tasks: TASKS });
    browser = await openBrowser();
  });

  afterEach(async () => {
    // Whatever a test is about: nothing goes wrong unseen, and the policy refuses nothing.
    expect(await browser.closePages()).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await desk?.close();
  });

  const openPage = (path: string, options?: { token?: string; isNarrow?: boolean }) =>
    browser.open(desk.url + path, options);

  test('a person signs in, claims a task and decides, with the keyboard alone', async () => {
    const page = await openPage('/inbox?reason=rejected');
    await page.getByLabel('Access token').waitFor();
    await page.keyboard.type('admin');
    await page.keyboard.press('Enter');
    await rowsOf(page).first().waitFor();
    await press(page, 'j', 'j', 'Enter');
    await page.getByRole('article').waitFor();
    await page.keyboard.press('c');
    await seen(page, 'You look at it');
    await press(page, 'r', 'Enter');
    await page.getByLabel(/^Note/).waitFor();
    await page.keyboard.type('The restaurant is open again.');
    const letDecide = desk.holdDecisions();
    await press(page, 'Control+Enter');
    await seen(page, 'Deciding: retry …');
    // The row says so, too, and no more than that until the service has decided.
    await seen(page, 'deciding …');
    letDecide();
    await seen(page, 'Decided: retry.');
    expect(new URL(page.url()).searchParams.get('reason')).toBe('rejected');
  });

  test('many tasks are decided: selected, run dry, and seen through', async () => {
    const page = await openPage('/inbox?reason=deadlinePassed', { token: 'admin' });
    await rowsOf(page).first().waitFor();
    await press(page, 'j', 'x', 'j', 'x', 'j', 'x', 'j', 'x', 'b');
    await page.getByRole('dialog').getByRole('button', { name: 'Retry' }).press('Enter');
    await seen(page, 'Dry run: 4 tasks.');
    await page.getByLabel(/^Note/).fill('They still wait.');
    await page.getByRole('button', { name: 'Retry: 4 tasks' }).press('Enter');
    await page.waitForURL(/\/bulk\/\d+$/);
    await seen(page, '4 tasks: 4 resolved');
    await seen(page, 'done');
  });

  test('what comes meanwhile is told, and moves no row', async () => {
    const page = await openPage('/inbox?claimedBy=mira.okafor', { token: 'operator' });
    const first = await rowsOf(page).first().textContent();
    const opened = Array.from({ length: 60 }, () => desk.openTask());
    const mine = opened.filter(({ claimedBy }) => claimedBy === 'mira.okafor').length;
    await seen(page, `${mine} new`);
    expect(await rowsOf(page).first().textContent()).toBe(first);
    await page.keyboard.press('n');
    await page.getByText(`${mine} new`).waitFor({ state: 'detached' });
  });

  test('a decision that comes second is refused, and says who was first', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'operator' });
    await rowsOf(page).nth(5).click();
    await page.getByRole('button', { name: 'Cancel the order' }).click();
    await page.getByLabel(/^Note/).fill('The restaurant has closed.');
    desk.closeTask(new URL(page.url()).searchParams.get('task') ?? '', { hint: false });
    await page.locator('form').getByRole('button', { name: 'Cancel the order' }).click();
    await seen(page, /Refused: lena\.petrova was first/);
  });

  test('whether a decision was taken is not said before it is known', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'operator' });
    const outcome = '**/resolve';
    const away = { code: 'DispatchUnavailable', detail: 'Temporal cannot be reached' };
    await page.route(outcome, (route) => route.fulfill({ status: 503, json: away }));
    await rowsOf(page).nth(6).click();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByLabel(/^Note/).fill('They are open again.');
    const send = page.locator('form').getByRole('button', { name: 'Retry' });
    await send.click();
    await seen(page, /Not known whether it was taken: Temporal cannot be reached/);
    // Taken, and not carried out yet.
    await page.unroute(outcome);
    await page.route(outcome, (route) => route.fulfill({ status: 202, json: { asked: 'retry' } }));
    await send.click();
    await seen(page, 'It was taken, and takes a while');
    expect(await page.getByText(/^Decided:/).count()).toBe(0);
  });

  test('a task that somebody else looks at is taken over, and keys that are for a dialog do nothing below it', async () => {
    const page = await openPage('/inbox?claimedBy=mira.okafor', { token: 'operator' });
    await rowsOf(page).first().click();
    await page.getByRole('button', { name: 'Take over' }).click();
    await seen(page, 'You look at it');
    const acts: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') acts.push(new URL(request.url()).pathname);
    });
    await page.getByRole('button', { name: 'Note' }).click();
    await page.getByRole('button', { name: 'Leave it' }).focus();
    await press(page, 'c', 'Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press(page, 'c');
    await page.getByRole('button', { name: 'Claim' }).waitFor();
    expect(acts).toEqual([expect.stringMatching(/\/release$/)]);
  });

  test('ten thousand tasks scroll, of which few are drawn', async () => {
    const page = await openPage('/inbox', { token: 'viewer' });
    await rowsOf(page).first().waitFor();
    const list = `document.querySelector('[data-testid="task-list"]')`;
    const heightOf = async () => Number(await page.evaluate(`${list}.scrollHeight`));
    const drawn: number[] = [];
    await eventually(
      async () => {
        await page.evaluate(`${list}.scrollTop = ${list}.scrollHeight`);
        await settled(page);
        drawn.push(await rowsOf(page).count());
        return (await heightOf()) > TASKS * 46;
      },
      { what: 'a list of all tasks' },
    );
    expect(Math.max(...drawn)).toBeLessThan(60);
    await page.evaluate(`${list}.scrollTop = ${list}.scrollHeight`);
    await rowsOf(page).last().click();
    await seen(page, 'It means');
  });

  test('a viewer cannot act: no page offers it, and the API refuses it', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'viewer' });
    await rowsOf(page).first().click();
    await seen(page, 'It means');
    await seen(page, 'Total');
    const acts =
      /claim|take over|give back|note|retry|cancel|discard|replay|hold|release|decide|reconcile/i;
    expect(await page.getByRole('button', { name: acts }).count()).toBe(0);
    expect(await page.getByRole('checkbox').count()).toBe(0);
    expect(await page.getByText('Customer').count()).toBe(0);
    for (const path of ['/dead-letters?id=3', '/hold', '/orders/o-2611-00012', '/bulk/1']) {
      await page.goto(desk.url + path);
      await page.locator('h1').waitFor();
      await settled(page);
      expect(await page.getByRole('button', { name: acts }).count()).toBe(0);
    }
    const status = await page.evaluate(
      `fetch('/v1/hold', { method: 'POST', body: '{"note":"x"}', headers: { 'x-requested-with': 'order-dispatch' } }).then(({ status }) => status)`,
    );
    expect(status).toBe(403);
    expect(desk.forbidden).toEqual(['/v1/hold']);
  });

  test('a session that ends asks to sign in, and one is back where one was, with what was typed', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'operator' });
    await rowsOf(page).nth(3).click();
    await page.getByRole('button', { name: 'Note' }).click();
    await page.getByLabel(/^Note/).fill('Half a sentence');
    const before = page.url();
    desk.endSessions();
    desk.hint('tasks');
    await seen(page, /Your session ended, operator@desk/);
    await page.getByLabel('Access token').fill('operator');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Access token').waitFor({ state: 'detached' });
    expect(page.url()).toBe(before);
    expect(await page.getByLabel(/^Note/).inputValue()).toBe('Half a sentence');
  });

  test('where another person signs in after it, nothing of the first one’s is left', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'operator' });
    await rowsOf(page).nth(3).click();
    await page.getByRole('button', { name: 'Note' }).click();
    await page.getByLabel(/^Note/).fill('Half a sentence');
    desk.endSessions();
    desk.hint('tasks');
    await seen(page, /Your session ended, operator@desk/);
    await page.getByLabel('Access token').fill('admin');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Access token').waitFor({ state: 'detached' });
    await rowsOf(page).first().waitFor();
    await page.getByRole('button', { name: 'Note' }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('what is loaded first is less than 300 KB, compressed', () => {
    const folder = join(ROOT, 'dist', 'console');
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    const files = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path);
    // As the build leaves them for whoever serves them.
    const bytes = files.map((path) => {
      const isAsset = path.startsWith('/assets/');
      return statSync(join(folder, isAsset ? `${path}.gz` : path)).size;
    });
    expect(files.some((path) => path.endsWith('.css'))).toBe(true);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(300_000);
  });

  test('a hold is seen on every page, and released', async () => {
    const page = await openPage('/hold', { token: 'admin' });
    await page.getByRole('button', { name: 'Hold all requests …' }).click();
    await page.getByLabel(/^Note/).fill('They answer wrongly.');
    await page.getByRole('button', { name: 'Hold', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await press(page, 'g', 'o');
    await page.waitForURL(/\/orders$/);
    await seen(page, 'Requests are held');
    await page.getByRole('link', { name: 'Release' }).click();
    await page.getByRole('button', { name: 'Release …' }).click();
    await page.getByLabel(/^Note/).fill('They answer again.');
    await page.getByRole('button', { name: 'Release 137 orders' }).click();
    await seen(page, 'Requests go out.');
  });

  test('dead letters are replayed, with their number first and their progress after', async () => {
    const page = await openPage('/dead-letters?sourceQueue=supplement.requests', {
      token: 'admin',
    });
    await page.getByRole('button', { name: 'Replay 2 …' }).click();
    await seen(page, '2 open dead letters');
    await page.getByLabel(/^Note/).fill('Mended.');
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await seen(page, 'Replayed 2 of 2 messages.');
  });

  test('axe finds nothing serious on any page, in light and in dark', async () => {
    const page = await openPage('/inbox?reason=rejected', { token: 'admin' });
    await rowsOf(page).first().click();
    await seen(page, 'Total');
    const found: string[] = [];
    const look = async () => {
      found.push(...(await seriousFindings(page)));
      await page.emulateMedia({ colorScheme: 'dark' });
      found.push(...(await seriousFindings(page, ['color-contrast'])));
      await page.emulateMedia({ colorScheme: 'light' });
    };
    await look();
    for (const path of PAGES) {
      await page.goto(desk.url + path);
      await page.locator('h1').first().waitFor();
      await settled(page);
      await look();
    }
    expect(found).toEqual([]);
    // It looks at every text of ten pages, twice.
  });

  test('on a narrow screen no page is wider than it', async () => {
    const page = await openPage('/inbox', { token: 'admin', isNarrow: true });
    await rowsOf(page).first().click();
    await seen(page, 'Total');
    const wide: string[] = [];
    const look = async () => {
      const overflow = await page.evaluate(
        `Math.max(...[document.documentElement, document.querySelector('main')].map((each) => each.scrollWidth - each.clientWidth))`,
      );
      if (Number(overflow) > 0) wide.push(`${page.url()} by ${String(overflow)}`);
    };
    await look();
    for (const path of PAGES) {
      await page.goto(desk.url + path);
      await page.locator('h1').first().waitFor();
      await settled(page);
      await look();
    }
    expect(wide).toEqual([]);
  });
});

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe calls serious or critical: the rule, and where. */
async function seriousFindings(page: Page, rules?: string[]): Promise<string[]> {
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  // Not as a script element, which the policy would refuse.
  await page.evaluate(`window.axe || (() => { ${AXE} })()`);
  const findings = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => location.pathname + ' ' + id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`,
  );
  return findings as string[];
}
