import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import type { PolicyOverrides } from '../../client';
import { actingAs, buildTestApi, type TestApi } from '../api-bed';
import { patience } from '../patience';
import { eventually, newOrder, openTask, setup, type TestBed } from '../setup';
import {
  buildConsole,
  describeInBrowser,
  openBrowser,
  press,
  rowsOf,
  seen,
  type DeskBrowser,
} from '../browser/desk-browser';

jest.setTimeout(patience(30_000));

/** Silence becomes a human task soon, and fifty requests at once are confirmed before, or it is not said to be silence. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: patience(200),
  initialIntervalMs: 50,
  maximumAttempts: 1,
};

const ORDERS = 50;

describeInBrowser('a night shift at the desk', () => {
  let bed: TestBed;
  let browser: DeskBrowser;
  /** The desk as each of the two sees it: who is signed in is who acts. */
  const desks: TestApi[] = [];

  beforeAll(async () => {
    const [opened, consoleFolder] = await Promise.all([
      setup({ policy: IMPATIENT }),
      buildConsole(),
    ]);
    bed = opened;
    const mira = await buildTestApi(bed, {
      authentication: actingAs('admin', 'mira'),
      consoleFolder,
    });
    const jonas = await buildTestApi(bed, {
      authentication: actingAs('admin', 'jonas'),
      consoleFolder,
      services: mira.services,
    });
    desks.push(jonas, mira);
    await Promise.all(desks.map(({ app }) => app.listen({ host: '127.0.0.1', port: 0 })));
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    for (const desk of desks) await desk.close();
    await bed?.close();
  });

  const open = (desk: TestApi | undefined, path: string) => {
    const { port } = desk?.app.server.address() as AddressInfo;
    return browser.open(`http://127.0.0.1:${port}${path}`);
  };

  test('an outage, and what two people make of its fifty tasks, with the keyboard alone', async () => {
    const [jonas, mira] = desks;
    await bed.dispatchSystem.close();
    const orders = Array.from({ length: ORDERS }, (_each, n) =>
      newOrder({ orderId: `night-${String(n + 1).padStart(2, '0')}`, restaurantId: `r-${n % 7}` }),
    );
    for (const order of orders) {
      // What was asked during the outage stays unanswered: what is asked again is not.
      bed.script(order.orderId, (question) =>
        question.kind === 'withdrawal'
          ? { kind: 'withdraw' }
          : question.request.requestId.endsWith('.1')
            ? { kind: 'staySilent' }
            : { kind: 'accept', courierId: 'courier-7' },
      );
    }
    await Promise.all(orders.map((order) => bed.client.placeOrder(order)));
    await eventually(
      async () => (await mira?.ask('GET', '/v1/tasks?limit=1'))?.body.matched === ORDERS,
      { what: 'fifty tasks' },
    );

    const hers = await open(mira, '/inbox?reason=noAcknowledgement');
    const his = await open(jonas, '/inbox?reason=noAcknowledgement');
    await seen(hers, `${ORDERS} open tasks`);
    await Promise.all([rowsOf(hers).first().waitFor(), rowsOf(his).first().waitFor()]);

    // One is dispatched by other means.
    await press(hers, 'j', 'Enter');
    await seen(hers, 'It means');
    await press(hers, 'c');
    await seen(hers, 'You look at it');
    await seen(his, 'mira');
    await press(hers, 'r', 'Tab', 'Enter');
    await hers.getByLabel(/^Courier/).waitFor();
    await hers.keyboard.type('courier-by-phone');
    await press(hers, 'Tab');
    await hers.keyboard.type('I called one.');
    await press(hers, 'Control+Enter');
    await seen(hers, 'Decided: mark dispatched.');

    // Both decide about the next one: one of them is first, and the other hears who.
    await openSecond(hers);
    await openSecond(his);
    await press(hers, 'r', 'Tab', 'Tab', 'Enter');
    await press(his, 'r', 'Tab', 'Tab', 'Enter');
    for (const page of [hers, his]) {
      await page.getByLabel(/^Note/).waitFor();
      await page.keyboard.type('The customer has called.');
    }
    await Promise.all([press(hers, 'Control+Enter'), press(his, 'Control+Enter')]);
    const outcomes = await Promise.all(
      [hers, his].map(async (page) => {
        const outcome = page.locator('p', { hasText: /^(Decided|Refused): / });
        await outcome.waitFor();
        return outcome.textContent();
      }),
    );
    expect(outcomes.filter((text) => text?.startsWith('Decided: cancel the order.'))).toHaveLength(
      1,
    );
    expect(outcomes.filter((text) => /^Refused: .*(mira|jonas)/.test(text ?? ''))).toHaveLength(1);

    // The rest is decided at once; one of them by somebody else meanwhile, which is no failure.
    bed.dispatchSystem = await bed.startDispatchSystem();
    await press(hers, 'Escape', 'n');
    await seen(hers, `${ORDERS - 2} open tasks`);
    await press(hers, 'j', 'x');
    await seen(hers, '1 selected');
    await press(hers, 'a');
    await seen(hers, `All ${ORDERS - 2} selected`);
    await press(hers, 'b');
    // The first decision has the focus a moment after the dialog is there.
    await hers.getByRole('dialog').locator('button:focus', { hasText: 'Retry' }).waitFor();
    await press(hers, 'Enter');
    await seen(hers, `Dry run: ${ORDERS - 2} tasks.`);
    await hers.keyboard.type('The dispatch system is back.');
    const { taskId, orderId, openedAt } = await bed.orders.humanTask.findFirstOrThrow({
      where: { closedAt: null },
      orderBy: { openedAt: 'desc' },
    });
    // The run stands at its first task until jonas has decided about its last one.
    await bed.orders.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT 1 FROM orders WHERE order_id <> ${orderId} FOR UPDATE`;
      await press(hers, 'Control+Enter');
      await hers.waitForURL(/\/bulk\/\d+$/);
      const path = `/v1/tasks/${encodeURIComponent(taskId)}/resolve`;
      const decided = await jonas?.ask('POST', path, {
        body: { decision: 'retry', note: 'This one first.', openedAt },
      });
      expect(decided?.status).toBe(200);
    });
    await seen(hers, `${ORDERS - 2} tasks: ${ORDERS - 3} resolved, 1 refused`);
    await seen(hers, /jonas/);

    // What was decided is so.
    const results = await Promise.all(
      orders.map(({ orderId }) => bed.client.getOrder(orderId).result()),
    );
    expect(results.filter(({ status }) => status === 'cancelled')).toHaveLength(1);
    expect(results.filter(({ dispatchedBy }) => dispatchedBy === 'person')).toHaveLength(1);
    expect(results.filter(({ courierId }) => courierId === 'courier-7')).toHaveLength(ORDERS - 2);
    await press(hers, 'g', 'i');
    await seen(hers, 'Nobody waits for you');
    expect(await browser.closePages()).toEqual([]);
  });

  test('a bulk run is aborted, and dead letters are discarded, at the desk', async () => {
    const [, mira] = desks;
    const restaurantId = 'r-slow';
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const order = newOrder({ restaurantId });
        bed.script(order.orderId, () => ({ kind: 'staySilent' }));
        await openTask(await bed.client.placeOrder(order));
      }),
    );
    // The run has no worker, so that it is still under way.
    await bed.worker.close();
    const begun = await mira?.ask('POST', '/v1/bulk', {
      body: {
        filter: { restaurantId },
        ...{ decision: 'retry', note: 'Again.', expected: 12 },
      },
    });
    const id = begun?.body.bulkId ?? 0;
    const page = await open(mira, `/bulk/${id}`);
    await page.getByRole('button', { name: 'Abort …' }).click();
    await page.getByLabel(/^Note/).fill('Not these.');
    await page.getByRole('button', { name: 'Abort', exact: true }).click();
    await seen(page, /Aborted by mira: Not these\./);
    expect(await bed.orders.bulkRun.findUnique({ where: { id } })).toMatchObject({
      state: 'aborted',
      abortedBy: 'mira',
    });

    const sourceQueue = 'dispatch.requests';
    await bed.orders.deadLetter.createMany({
      data: [1, 2].map((n) => ({
        ...{ fingerprint: `night-${n}`, sourceQueue, messageId: `m-${n}`, type: 'unknown' },
        ...{ appId: 'other', deadLetterReason: 'MalformedMessage', properties: {}, headers: {} },
        ...{ content: Buffer.from('{}'), attempts: 1 },
        ...{ firstFailedAt: new Date(), lastFailedAt: new Date() },
      })),
    });
    await page.goto(new URL(`/dead-letters?sourceQueue=${sourceQueue}`, page.url()).href);
    await page.getByRole('button', { name: 'Discard 2 …' }).click();
    await seen(page, '2 open dead letters');
    await page.getByLabel(/^Note/).fill('Nobody sends these any more.');
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await eventually(
      async () =>
        (await bed.orders.deadLetter.count({
          where: { state: 'discarded', decidedBy: 'mira' },
        })) === 2,
    );
    expect(await browser.closePages()).toEqual([]);
  });

  /** Opens the second row of those that were there when the page was opened. */
  async function openSecond(page: Page): Promise<void> {
    const row = rowsOf(page).nth(1);
    const id = (await row.locator('code').textContent()) ?? '';
    await row.press('Enter');
    await page
      .getByRole('article', { name: new RegExp(`${id}$`) })
      .getByText('It means')
      .waitFor();
  }
});
