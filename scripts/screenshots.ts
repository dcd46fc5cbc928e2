/**
 * `npm run screenshots`: photographs the desk of the running local stack, in a night that this makes: for
 * its time nobody answers requests.
 */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser } from 'playwright-core';
import { packageRoot } from '../runtime/package-root';
import { readStackFile } from '../runtime/stack-file';
import { CHROMIUM_ARGUMENTS, findChromium } from '../stack/find-chromium';
import { StackError } from '../stack/stack-error';
import { stackFolder } from '../stack/stack-folder';
import { runCommand } from '../stack/supervision/run-command';

const ORDERS = 36;

/** Silence becomes a human task within seconds. */
const IMPATIENT = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 1_500,
  initialIntervalMs: 500,
  maximumAttempts: 2,
};

const FOLDER = join(packageRoot(), 'docs', 'screenshots');

runCommand('screenshots', async (stop) => {
  const stack = readStackFile(stackFolder());
  const desk = stack?.desk;
  if (!stack || desk === undefined)
    throw new StackError('no local stack runs: start one with `npm run up`');
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new StackError(
      'there is no Chromium: install one, or say where it is with CHROMIUM_PATH',
    );
  }
  const dispatchSystems = stack.pids.dispatchSystem;
  for (const pid of dispatchSystems) process.kill(pid, 'SIGSTOP');
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
  try {
    const orderId = await makeNight(desk, stop);
    await mkdir(FOLDER, { recursive: true });
    const task = encodeURIComponent(`dispatch-order/${orderId}`);
    for (const colorScheme of ['light', 'dark'] as const) {
      const shoot = (name: string, path: string, text: string) =>
        photograph(browser, { colorScheme, url: desk + path, text, name });
      await shoot('inbox', `/inbox?task=${task}`, 'Total');
      await shoot('order', `/orders/${orderId}`, 'Total');
      await shoot('overview', '/overview', 'checked');
    }
    console.log(`The pictures are in ${FOLDER}`);
  } finally {
    for (const pid of dispatchSystems) process.kill(pid, 'SIGCONT');
    await browser.close();
  }
  return 0;
});

/** Places orders that nobody answers, and waits until people are asked. @returns one of them. */
async function makeNight(desk: string, stop: AbortSignal): Promise<string> {
  const night = randomUUID().slice(0, 4);
  const ids = Array.from({ length: ORDERS }, (_each, n) => `o-${night}-${1_000 + n}`);
  for (const [n, orderId] of ids.entries()) {
    await ask(desk, 'POST', '/v1/orders', { order: orderOf(orderId, n), policy: IMPATIENT });
    stop.throwIfAborted();
  }
  const first = ids[0] ?? '';
  for (const [n, orderId] of ids.entries()) {
    const path = `/v1/tasks/${encodeURIComponent(`dispatch-order/${orderId}`)}`;
    while (!(await ask(desk, 'GET', path)).ok) {
      stop.throwIfAborted();
      await sleep(250);
    }
    if (n % 9 === 4) await ask(desk, 'POST', `${path}/claim`, {});
    if (n === 0) await ask(desk, 'POST', `${path}/note`, { note: 'The dispatch team knows.' });
  }
  return first;
}

function orderOf(orderId: string, n: number): object {
  return {
    orderId,
    customerId: `c-${70_421 + n}`,
    restaurantId: `r-${110 + (n % 7)}`,
    deliveryAddress: { line: `${n + 1} Long Street`, city: 'Sampleton', postcode: '12345' },
    items: [
      { sku: 'margherita-32', quantity: 2, unitPriceMinor: 1_150 },
      { sku: 'tiramisu', quantity: 1, unitPriceMinor: 620 },
    ],
    currency: 'EUR',
    placedAt: new Date().toISOString(),
  };
}

function ask(desk: string, method: string, path: string, body?: object) {
  return fetch(new URL(path, desk), {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
}

async function photograph(
  browser: Browser,
  shot: { colorScheme: 'light' | 'dark'; url: string; text: string; name: string },
): Promise<void> {
  const { colorScheme, url, text, name } = shot;
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByText(text).first().waitFor();
  // Until all that is beside it is there, too.
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`) });
  await context.close();
}
