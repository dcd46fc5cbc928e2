import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext, type Page, type Request } from 'playwright-core';
import { ROOT } from '../markdown';
import { CHROMIUM_ARGUMENTS, findChromium } from '../../stack/find-chromium';
import { patience } from '../patience';
import { eventually } from '../setup';

const executablePath = findChromium();

/** `describe`, where there is a Chromium; else the tests are skipped, with a line. */
export const describeInBrowser = executablePath === undefined ? describe.skip : describe;
if (executablePath === undefined) {
  console.warn(
    'Tests in a browser are skipped: there is no Chromium, and CHROMIUM_PATH names none.',
  );
}

/** What the browser says that is no fault of the page's: an answer that a test has the desk give. */
const EXPECTED = /the server responded with a status of (401|403|404|409|503)/;

/** A Chromium, and what it had to complain about. */
export interface DeskBrowser {
  /** Opens a page for a person with cookies of their own. */
  open: (url: string, options?: { token?: string; isNarrow?: boolean }) => Promise<Page>;
  /** Closes all pages. @returns errors of the pages, and what the policy refused. */
  closePages: () => Promise<string[]>;
  close: () => Promise<void>;
}

/** Builds the console where it has changed. @returns where it is. */
export async function buildConsole(): Promise<string> {
  const build = [join(ROOT, 'scripts', 'setup.mjs'), '--build', '--console'];
  await promisify(execFile)(process.execPath, build, { cwd: ROOT });
  return join(ROOT, 'dist', 'console');
}

/** Starts a Chromium. */
export async function openBrowser(): Promise<DeskBrowser> {
  const browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: CHROMIUM_ARGUMENTS,
    timeout: patience(6_000),
  });
  const complaints: string[] = [];
  const contexts: BrowserContext[] = [];
  return {
    open: async (url, { token, isNarrow = false } = {}) => {
      const viewport = isNarrow ? { width: 390, height: 844 } : { width: 1280, height: 800 };
      const context = await browser.newContext({ viewport });
      context.setDefaultTimeout(patience(6_000));
      contexts.push(context);
      if (token !== undefined) {
        await context.request.post(new URL('/v1/session', url).href, { data: { token } });
      }
      const page = await context.newPage();
      watchRequests(page);
      page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) {
          complaints.push(message.text());
        }
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(url);
      return page;
    },
    closePages: async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
      return complaints.splice(0);
    },
    close: () => browser.close(),
  };
}

/** The tasks in the inbox's list that are drawn. */
export const rowsOf = (page: Page) => page.getByTestId('task-list').locator('a');

/** Waits until a text is there. */
export const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

/** What each page waits for from its desk, but for the stream, which does not end. */
const requestsOf = new WeakMap<Page, Set<Request>>();

function watchRequests(page: Page): void {
  const underWay = new Set<Request>();
  requestsOf.set(page, underWay);
  page.on('request', (request) => {
    if (!request.url().endsWith('/v1/stream')) underWay.add(request);
  });
  page.on('requestfinished', (request) => underWay.delete(request));
  page.on('requestfailed', (request) => underWay.delete(request));
}

/** Waits until a page has drawn all that it asks the desk for. */
export async function settled(page: Page): Promise<void> {
  const underWay = requestsOf.get(page);
  do {
    await page.evaluate(DRAWN);
    await eventually(() => underWay?.size === 0, { what: 'the answers that a page waits for' });
    await page.evaluate(DRAWN);
  } while (underWay && underWay.size > 0);
}

/** Presses keys, one after the other, each once the page has drawn what the one before did. */
export async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await page.keyboard.press(key);
    await page.evaluate(DRAWN);
  }
}

/** Resolves when the page has drawn twice: effects of the first drawing are in the second. */
const DRAWN =
  'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() => {})';
