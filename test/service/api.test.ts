import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import fc from 'fast-check';
import type { Order, PolicyOverrides } from '../../client';
import { recordDeadLetter } from '../../database/orders/dead-letters';
import { problemSchema } from '../../api/problem';
import { watchChanges, type ChangeWatch } from '../../operations/watch-changes';
import { fittingOrNot, type JsonSchema } from '../api-arbitrary';
import { actingAs, buildTestApi, type TestApi } from '../api-bed';
import { askPerson, eventually, newOrder, setup, type TestBed } from '../setup';

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

const ME = `local:${userInfo().username}`;

let bed: TestBed;
let api: TestApi;
beforeAll(async () => {
  bed = await setup({ policy: PATIENT });
  api = await buildTestApi(bed);
});
afterAll(async () => {
  await api.close();
  await bed.close();
});

const escalate = async (fields: Partial<Order> = {}) => {
  const order = newOrder(fields);
  bed.script(order.orderId, ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
  );
  const handle = await bed.client.placeOrder(order);
  await askPerson(bed, handle);
  const taskId = `dispatch-order/${order.orderId}`;
  return { order, handle, taskId, path: `/v1/tasks/${encodeURIComponent(taskId)}` };
};

describe('orders', () => {
  test('one is placed once: 201, then 200, and 409 with other content', async () => {
    const order = newOrder();
    const placed = await api.ask('POST', '/v1/orders', { body: { order } });
    expect(placed).toMatchObject({ status: 201, body: { orderId: order.orderId } });
    const again = await api.ask('POST', '/v1/orders', { body: { order } });
    expect(again).toMatchObject({ status: 200, body: { orderId: order.orderId } });
    const other = await api.ask('POST', '/v1/orders', {
      body: { order: { ...order, restaurantId: 'r-9' } },
    });
    expect(other).toMatchObject({
      status: 409,
      headers: { 'content-type': 'application/problem+json' },
      body: { status: 409, code: 'OrderConflict', title: 'Conflict' },
    });
    expect(await bed.client.getOrder(order.orderId).result()).toMatchObject({
      status: 'dispatched',
    });
    const shown = await api.ask('GET', `/v1/orders/${order.orderId}`);
    expect(shown).toMatchObject({
      status: 200,
      body: { order, row: { status: 'dispatched' }, dispatch: { status: 'live' }, tasks: [] },
    });
  });

  test('a bad field is named, without its value', async () => {
    const order = { ...newOrder(), customerId: '', currency: 'secret' };
    const { status, body } = await api.ask('POST', '/v1/orders', { body: { order } });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'InvalidOrder' });
    expect(body.errors).toContainEqual(expect.objectContaining({ path: 'body.order.customerId' }));
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  test.each([
    ['a policy that is not valid', newOrder(), { policy: { patience: 1 } }, 'InvalidPolicy'],
    ['an order that is not, either', {}, { policy: { patience: 1 } }, 'InvalidOrder'],
    ['a field that is none', newOrder(), { patience: 1 }, 'InvalidOrder'],
  ])('%s is named by its own code and place', async (_what, order, more, code) => {
    const { body } = await api.ask('POST', '/v1/orders', { body: { order, ...more } });
    const path = 'policy' in more ? 'body.policy' : 'body';
    expect(body).toMatchObject({ status: 400, code });
    expect(body.errors).toContainEqual(expect.objectContaining({ path }));
  });
});

const post = (url: string, body: unknown) => api.ask('POST', url, { body });
const get = (url: string) => api.ask('GET', url);
const actsOf = (orderId: string) =>
  bed.orders.auditEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } });
const openedAtOf = async (path: string) => (await get(path)).body.task.openedAt;

describe('finding orders', () => {
  test('one is found by its ID or the beginning of it, by customer, courier and request', async () => {
    const mark = randomUUID().slice(0, 8);
    const order = newOrder({ customerId: `customer-${mark}`, restaurantId: `r-${mark}` });
    bed.script(order.orderId, () => ({ kind: 'accept', courierId: `courier-${mark}` }));
    await (await bed.client.placeOrder(order)).result();
    const { orderId } = order;
    for (const query of [
      `q=${orderId}`,
      `q=${orderId.slice(0, 20)}`,
      `q=${orderId}.1`,
      `q=customer-${mark}`,
      `q=courier-${mark}`,
      `customerId=customer-${mark}`,
      `courierId=courier-${mark}&status=dispatched`,
      `restaurantId=r-${mark}`,
    ]) {
      const { status, body } = await get(`/v1/orders?${query}`);
      expect({
        query,
        status,
        found: body.orders.map((row) => row.orderId),
      }).toEqual({ query, status: 200, found: [orderId] });
    }
    expect((await get('/v1/orders?q=o-%25')).body.orders).toEqual([]);
  });

  test('pages neither miss nor double an order', async () => {
    const restaurantId = `r-${randomUUID()}`;
    const orders = Array.from({ length: 5 }, () => newOrder({ restaurantId }));
    for (const order of orders) await (await bed.client.placeOrder(order)).result();
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 3; page += 1) {
      const { body } = await get(`/v1/orders?restaurantId=${restaurantId}&limit=2${after}`);
      seen.push(...body.orders.map(({ orderId }) => orderId));
      after = `&after=${encodeURIComponent(body.next ?? '')}`;
      expect(body.next === null).toBe(page === 2);
    }
    expect(seen).toEqual(orders.map(({ orderId }) => orderId));
  });

  test('its timeline, the reason where it stands, and its messages tell the whole story', async () => {
    const { order } = await escalate();
    const { orderId } = order;
    await bed.acknowledge({ requestId: `${orderId}.7`, outcome: 'accepted', courierId: 'c-1' });
    await eventually(
      async () => (await get(`/v1/orders/${orderId}/messages`)).body.acknowledgements[0],
    );
    expect(await get(`/v1/orders/${orderId}/messages`)).toMatchObject({
      status: 200,
      body: { acknowledgements: [{ requestId: `${orderId}.7`, class: 'unknownRequest' }] },
    });
    expect((await get(`/v1/orders/${orderId}/timeline`)).body).toMatchObject({
      status: 'escalated',
      isFinal: false,
      entries: expect.arrayContaining([expect.objectContaining({ what: 'escalated' })]),
    });
    expect(await get(`/v1/orders/${orderId}/why`)).toMatchObject({
      status: 200,
      body: { waitsFor: 'person', text: expect.stringContaining('requestDeadLettered') },
    });
  });

  test('an order is shown also while the dispatch database is away', async () => {
    const order = newOrder();
    await (await bed.client.placeOrder(order)).result();
    const dispatchDatabaseUrl = 'postgres://127.0.0.1:1/dispatch';
    const half = await buildTestApi({ ...bed, dispatchDatabaseUrl });
    const { body } = await half.ask('GET', `/v1/orders/${order.orderId}`);
    expect(body).toMatchObject({
      row: { status: 'dispatched' },
      unread: expect.stringContaining('the dispatch database at 127.0.0.1:1/dispatch'),
    });
    await half.close();
  });

  test('of an order that nobody knows each of these is 404', async () => {
    for (const rest of ['', '/timeline', '/why']) {
      const { status, body } = await get(`/v1/orders/nobody-knows${rest}`);
      expect({ rest, status, code: body.code }).toEqual({
        rest,
        status: 404,
        code: 'OrderNotFound',
      });
    }
    for (const act of ['cancel', 'reconcile']) {
      const answer = await post(`/v1/orders/nobody-knows/${act}`, { note: 'n' });
      expect(answer).toMatchObject({ status: 404, body: { code: 'OrderNotFound' } });
    }
  });
});

describe('cancelling and reconciling', () => {
  test('a cancelled order is answered with its end, and with whom it was cancelled by', async () => {
    const order = newOrder();
    await (await bed.client.placeOrder(order)).result();
    expect(
      await post(`/v1/orders/${order.orderId}/cancel`, { note: 'wrong address' }),
    ).toMatchObject({
      status: 200,
      body: { status: 'cancelled', resolvedBy: ME },
    });
    expect(await actsOf(order.orderId)).toMatchObject([
      { act: 'cancel', actor: ME, via: 'api', note: 'wrong address' },
    ]);
  });

  test('where the courier is on the way it is 409', async () => {
    const order = newOrder();
    bed.script(order.orderId, ({ kind }) =>
      kind === 'withdrawal' ? { kind: 'refuseWithdrawal' } : { kind: 'accept', courierId: 'c-1' },
    );
    await (await bed.client.placeOrder(order)).result();
    expect(await post(`/v1/orders/${order.orderId}/cancel`, { note: 'n' })).toMatchObject({
      status: 409,
      body: { code: 'TooLateToCancel' },
    });
  });

  test('where a person has to decide it is 202 with the task', async () => {
    const { order, path } = await escalate();
    const openedAt = await openedAtOf(path);
    const sent = { decision: 'markDispatched', courierId: 'bike-1', note: 'by phone', openedAt };
    expect(await post(`${path}/resolve`, sent)).toMatchObject({ status: 200 });
    await bed.client.getOrder(order.orderId).result();
    expect(await post(`/v1/orders/${order.orderId}/cancel`, { note: 'n' })).toMatchObject({
      status: 202,
      body: { status: 'cancelling', task: { escalationReason: 'courierToCallOff' } },
    });
  });

  test('a reconciliation is begun, and in the audit with its note', async () => {
    const order = newOrder();
    await (await bed.client.placeOrder(order)).result();
    const answer = await post(`/v1/orders/${order.orderId}/reconcile`, { note: 'looks odd' });
    expect(answer).toMatchObject({ status: 202, body: { asked: 'reconcile' } });
    expect(await actsOf(order.orderId)).toContainEqual(
      expect.objectContaining({ act: 'note', actor: ME, note: 'looks odd' }),
    );
  });
});

describe('tasks', () => {
  test('a list that has not changed is not sent again', async () => {
    const { order } = await escalate();
    const url = `/v1/tasks?about=${order.orderId}`;
    const first = await api.ask('GET', url);
    expect(first).toMatchObject({
      status: 200,
      body: { matched: 1, rows: [{ orderId: order.orderId }], next: null },
    });
    // Kept by who asked, and by nobody on the way.
    expect(first.headers['cache-control']).toBe('private, no-cache');
    const etag = String(first.headers['etag']);
    const headers = { 'if-none-match': etag };
    expect(await api.ask('GET', url, { headers })).toMatchObject({ status: 304, text: '' });
    await api.ask(
      'POST',
      `/v1/tasks/${encodeURIComponent(first.body.rows[0]?.taskId ?? '')}/claim`,
      {
        body: {},
      },
    );
    expect(await api.ask('GET', url, { headers })).toMatchObject({
      status: 200,
      body: { rows: [{ claimedBy: ME }] },
    });
  });

  test('one is shown with what happened, what one can decide, and a form for each decision', async () => {
    const { order, path, taskId } = await escalate();
    await post(`${path}/note`, { note: 'called them' });
    const { body } = await get(path);
    expect(body).toMatchObject({
      task: { taskId, orderId: order.orderId, end: null },
      guidance: { means: expect.any(String) },
      why: { text: expect.stringContaining('waiting for a person') },
      notes: [{ actor: ME, note: 'called them' }],
      humanTask: { escalationReason: 'requestDeadLettered' },
    });
    const forms = new Map(body.decisions.map(({ decision, schema }) => [decision, schema]));
    expect([...forms.keys()]).toEqual(['retry', 'markDispatched', 'cancel']);
    expect(forms.get('markDispatched')).toMatchObject({ required: ['courierId', 'note'] });
    expect(forms.get('retry')).toMatchObject({ required: ['note'], type: 'object' });
  });

  test('people share them out: claim, take over, snooze, release', async () => {
    const { order, path } = await escalate();
    expect(await post(`${path}/claim`, {})).toMatchObject({ status: 200, body: { claimedBy: ME } });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect(await post(`${path}/snooze`, { until, note: 'later' })).toMatchObject({ status: 204 });
    expect(await post(`${path}/snooze`, { until: '2001-01-01T00:00:00Z' })).toMatchObject({
      status: 409,
    });
    expect(await post(`${path}/release`, {})).toMatchObject({ status: 204 });
    expect(await post(`${path}/release`, {})).toMatchObject({
      status: 409,
      body: { code: 'ResolutionRefused' },
    });
    const acts = await actsOf(order.orderId);
    expect(acts.map(({ act, actor, via }) => ({ act, actor, via }))).toEqual(
      ['claim', 'snooze', 'release'].map((act) => ({ act, actor: ME, via: 'api' })),
    );
  });

  test('of two who resolve at once one wins, and the other hears who was first, and when', async () => {
    const { order, path } = await escalate();
    const openedAt = await openedAtOf(path);
    const resolve = (courierId: string) =>
      post(`${path}/resolve`, { decision: 'markDispatched', courierId, note: 'n', openedAt });
    const both = await Promise.all(['bike-1', 'bike-2'].map(resolve));
    const won = both.find(({ status }) => status === 200);
    expect(won).toMatchObject({
      body: { order: { status: 'dispatched', orderId: order.orderId } },
    });
    const lost = both.find(({ status }) => status === 409);
    expect(lost).toMatchObject({ body: { code: 'ResolutionRefused' } });
    expect(lost?.body.detail).toContain(ME);
    // Later, when the workflow is gone, the row still says it.
    await bed.client.getOrder(order.orderId).result();
    const late = await eventually(async () => {
      const answer = await resolve('bike-3');
      return /was first/.test(answer.body.detail) && answer;
    });
    expect(late.body.detail).toMatch(
      new RegExp(`^${ME} was first: markDispatched, at \\d{4}-\\d\\d-\\d\\dT`),
    );
  });

  test('pages neither miss nor double a task', async () => {
    const restaurantId = `r-${randomUUID()}`;
    const [one, two] = await Promise.all([1, 2, 3].map(() => escalate({ restaurantId })));
    // Those that somebody snoozed come last: the second page begins among them.
    const until = new Date(Date.now() + 3_600_000).toISOString();
    for (const each of [one, two]) await post(`${each?.path}/snooze`, { until });
    const url = `/v1/tasks?restaurantId=${restaurantId}&limit=2`;
    const first = (await get(url)).body;
    expect(first).toMatchObject({ matched: 3, groups: [{ count: 3 }] });
    const second = (await get(`${url}&after=${first.next}`)).body;
    const all = [...first.rows, ...second.rows].map(({ taskId }) => taskId);
    expect(second.next).toBeNull();
    expect(all).toHaveLength(3);
    expect(new Set(all).size).toBe(3);
    expect(await get('/v1/tasks?after=nonsense')).toMatchObject({
      status: 400,
      body: { code: 'UsageError' },
    });
  });

  test('a body may not say who acts', async () => {
    const { path } = await escalate();
    const answer = await post(`${path}/note`, { note: 'n', actor: 'mia' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'UsageError' } });
    expect(answer.body.detail).toContain('actor');
  });
});

describe('many at once', () => {
  test('are counted, decided about, followed, and refused where others are meant by now', async () => {
    const restaurantId = `r-${randomUUID()}`;
    const many = await Promise.all([1, 2, 3, 4].map(() => escalate({ restaurantId })));
    for (const { order } of many)
      bed.script(order.orderId, () => ({ kind: 'accept', courierId: 'c-2' }));
    const filter = { restaurantId };
    const plan = await post('/v1/bulk/plan', { filter, decision: 'retry' });
    expect(plan).toMatchObject({ status: 200, body: { matched: 4, groups: [{ count: 4 }] } });
    const begin = { filter, decision: 'retry', note: 'couriers are back', ratePerSecond: 100 };
    expect(await post('/v1/bulk', { ...begin, expected: 3 })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('4 tasks fit by now') },
    });
    const taskIds = many.slice(0, 3).map(({ taskId }) => taskId);
    const begun = await post('/v1/bulk', { ...begin, filter: undefined, taskIds, expected: 3 });
    expect(begun).toMatchObject({ status: 201, body: { tasks: 3 } });
    const { bulkId } = begun.body;
    const over = await eventually(async () => {
      const { body } = await get(`/v1/bulk/${bulkId}`);
      return body.run.state !== 'running' && body;
    });
    expect(over).toMatchObject({
      run: { state: 'done', actor: ME, via: 'api' },
      counts: { resolved: 3, refused: 0, failed: 0 },
    });
    expect((await get('/v1/bulk')).body.runs[0]?.run.id).toBe(bulkId);
    expect(await post(`/v1/bulk/${bulkId}/abort`, { note: 'n' })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('is over since') },
    });
    expect(await post('/v1/bulk/plan', {})).toMatchObject({ status: 400 });
    expect(await post('/v1/bulk/plan', { filter: {} })).toMatchObject({ status: 409 });
  });
});

describe('a customer’s personal data', () => {
  test('is counted, erased for good with what remains told, by who is signed in; not while an order waits', async () => {
    const customerId = `c-${randomUUID()}`;
    const { order: waiting, handle } = await escalate({ customerId });
    const settled = newOrder({ customerId });
    await (await bed.client.placeOrder(settled)).result();
    const asked = { customerId, note: 'request 4711' };
    expect(await post('/v1/erasures', asked)).toMatchObject({
      status: 409,
      body: { code: 'ErasureRefused', detail: expect.stringContaining('1 of the') as string },
    });
    await handle.cancel({ actor: 'mia', note: 'no more' });
    const orderIds = [waiting.orderId, settled.orderId].sort();
    const orders = () => bed.orders.order.findMany({ where: { orderId: { in: orderIds } } });
    const counted = await post('/v1/erasures', { ...asked, dryRun: true });
    expect(counted).toMatchObject({ status: 200, body: { dryRun: true, rows: { orders: 2 } } });
    expect((await orders()).filter(({ erasedAt }) => erasedAt)).toEqual([]);
    const { status, body } = await post('/v1/erasures', asked);
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: false, erasedBefore: 0, rows: { orders: 2, inbox: 0 } });
    expect(body).toMatchObject({ remains: { temporal: { namespace: bed.namespace } } });
    const erased = await orders();
    expect(erased.filter(({ erasedAt }) => erasedAt)).toHaveLength(2);
    expect(JSON.stringify(erased)).not.toContain(customerId);
    expect(JSON.stringify(body)).not.toContain(customerId);
    const acts = await bed.orders.auditEntry.findMany({
      where: { act: 'erase', note: asked.note },
    });
    expect(acts).toMatchObject([{ actor: ME, via: 'api' }]);
  });
});

describe('dead letters', () => {
  const record = (orderId: string) =>
    recordDeadLetter(bed.databases.orders, {
      ...{ fingerprint: randomUUID(), sourceQueue: 'dispatch.requests', messageId: `${orderId}.1` },
      ...{ type: 'dispatch.request.v1', appId: 'order-dispatch', orderId },
      ...{ deadLetterReason: 'malformed', properties: {}, headers: { a: 1 }, attempts: 1 },
      content: new Uint8Array(Buffer.from('{"bad":')),
      ...{ firstFailedAt: new Date(), lastFailedAt: new Date() },
    });

  test('are listed, shown, replayed with a report, and discarded', async () => {
    const orderId = `o-${randomUUID()}`;
    await record(orderId);
    await record(orderId);
    const listed = (await get(`/v1/dead-letters?about=${orderId}&limit=1`)).body;
    expect(listed).toMatchObject({ matched: 2, groups: [{ count: 2 }], rows: [{ orderId }] });
    const { id } = listed.rows[0] ?? { id: '' };
    const second = (await get(`/v1/dead-letters?about=${orderId}&after=${listed.next}`)).body;
    expect(second.rows).toHaveLength(1);
    expect((await get(`/v1/dead-letters/${id}`)).body).toMatchObject({
      content: '{"bad":',
      headers: { a: 1 },
    });
    expect(
      await post('/v1/dead-letters/replay', { ids: [id], note: 'mended', dryRun: true }),
    ).toMatchObject({ status: 200, body: { matched: 1 } });
    const begun = await post('/v1/dead-letters/replay', { ids: [id], note: 'mended', canary: 0 });
    expect(begun).toMatchObject({ status: 202 });
    const replay = await eventually(async () => {
      const { body } = await get(`/v1/dead-letters/replays/${begun.body.replayId}`);
      return body.report && body;
    });
    expect(replay).toMatchObject({ actor: ME, report: { matched: 1, replayed: [id] } });
    const discarded = await post('/v1/dead-letters/discard', {
      ...{ filter: { orderId }, note: 'no use' },
    });
    expect(discarded).toMatchObject({ status: 200, body: { matched: 1, discarded: 1 } });
    expect(await post('/v1/dead-letters/discard', { filter: {}, note: 'all' })).toMatchObject({
      status: 400,
    });
    expect(await get(`/v1/dead-letters/replays/${randomUUID()}`)).toMatchObject({ status: 404 });
  });
});

describe('the service', () => {
  test('what people did and what was repaired is listed page by page', async () => {
    const { order, path } = await escalate();
    for (const note of ['one', 'two', 'three']) await post(`${path}/note`, { note });
    const url = `/v1/audit?orderId=${order.orderId}&limit=2`;
    const first = (await get(url)).body;
    expect(first.rows.map(({ note }) => note)).toEqual(['three', 'two']);
    const { body } = await get(`${url}&after=${first.next}`);
    expect(body).toMatchObject({ rows: [{ note: 'one', actor: ME }], next: null });
    expect(await get('/v1/repairs?limit=1')).toMatchObject({ status: 200 });
    expect(await get('/v1/repairs/999999')).toMatchObject({
      status: 404,
      body: { code: 'ResolutionRefused' },
    });
  });

  test('its health is told, and its history thinned to what a chart shows', async () => {
    expect((await get('/v1/health')).body).toEqual({ state: 'stale' });
    const now = Date.now();
    const at = (minute: number) => new Date(now - minute * 60_000);
    const report = { findings: [], figures: { openDeadLetters: 2 }, notChecked: [] };
    await bed.orders.healthReport.createMany({
      data: Array.from({ length: 1_200 }, (_, minute) => ({
        at: at(minute),
        report: { ...report, at: at(minute).toISOString() },
      })),
    });
    expect((await get('/v1/health')).body).toMatchObject({ state: 'healthy' });
    const { reports } = (await get('/v1/health/history')).body;
    expect(reports).toHaveLength(400);
    expect(reports.at(-1)).toMatchObject({
      findings: { critical: 0, warning: 0 },
      figures: { openDeadLetters: 2 },
    });
    const since = at(10.5).toISOString();
    expect((await get(`/v1/health/history?since=${since}`)).body.reports).toHaveLength(11);
  });

  test('a hold is taken down, shown, refused twice, and released', async () => {
    expect((await get('/v1/hold')).body).toEqual({ hold: null });
    const held = await post('/v1/hold', { note: 'storm' });
    expect(held).toMatchObject({ status: 200, body: { hold: { heldBy: ME, note: 'storm' } } });
    expect(await post('/v1/hold', { note: 'again' })).toMatchObject({ status: 409 });
    expect(await post('/v1/hold/release', { note: 'over' })).toMatchObject({ status: 202 });
    await eventually(async () => (await get('/v1/hold')).body.hold === null);
  });

  test('pages hear that something changed, soon after it did', async () => {
    const address = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const over = new AbortController();
    const answer = await fetch(`${address}/v1/stream`, { signal: over.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const heard: string[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body ?? []) heard.push(Buffer.from(chunk).toString());
    })().catch(() => {});
    await eventually(() => heard.length > 0);
    const { path } = await escalate();
    await post(`${path}/note`, { note: 'n' });
    const told = () =>
      [...heard.join('').matchAll(/^data: (.*)$/gm)].flatMap(
        ([, data]) => (JSON.parse(data ?? '') as { what: string[] }).what,
      );
    await eventually(() => ['tasks', 'orders', 'audit'].every((what) => told().includes(what)));
    over.abort();
    await reading;
  });

  test('a page hears at once of what is done here, and nobody looks for it once it is closed', async () => {
    // Who looks once an hour has been told.
    const hurried = watchChanges(bed.databases.orders, { everyMs: 3_600_000 });
    let listening = 0;
    const listen: ChangeWatch['listen'] = (listener) => {
      const stop = hurried.listen(listener);
      listening += 1;
      return () => {
        listening -= 1;
        stop();
      };
    };
    const other = await buildTestApi(bed, {
      services: { ...api.services, changes: { ...hurried, listen } },
    });
    const address = await other.app.listen({ host: '127.0.0.1', port: 0 });
    const over = new AbortController();
    const answer = await fetch(`${address}/v1/stream`, { signal: over.signal });
    let heard = '';
    const reading = (async () => {
      for await (const chunk of answer.body ?? []) heard += Buffer.from(chunk).toString();
    })().catch(() => {});
    const { path } = await escalate();
    // The first look, from which it counts, may be under way yet.
    await eventually(async () => {
      await other.ask('POST', `${path}/note`, { body: { note: 'n' } });
      return heard.includes('"audit"');
    });
    expect(listening).toBe(1);
    over.abort();
    await reading;
    await eventually(() => listening === 0);
    hurried.close();
    await other.close();
  });
});

describe('a viewer', () => {
  test('gets nothing of the customer, and of what people wrote, on any route', async () => {
    const canary = `canary-${randomUUID()}`;
    const { order, path } = await escalate({
      customerId: canary,
      deliveryAddress: { line: canary, city: canary, postcode: canary.slice(0, 32) },
      note: canary,
      details: { said: canary },
    });
    const { orderId } = order;
    await post(`${path}/note`, { note: canary });
    await post(`${path}/claim`, { note: canary });
    await bed.acknowledge({
      ...{ requestId: `${orderId}.9`, outcome: 'rejected', rejectionCode: 'other', detail: canary },
    });
    await recordDeadLetter(bed.databases.orders, {
      ...{ fingerprint: randomUUID(), sourceQueue: 'dispatch.requests', messageId: `${orderId}.1` },
      ...{ type: 't', appId: 'a', orderId, deadLetterReason: 'malformed', attempts: 1 },
      properties: { replyTo: canary },
      headers: { said: canary },
      content: new Uint8Array(Buffer.from(canary)),
      ...{ firstFailedAt: new Date(), lastFailedAt: new Date() },
    });
    const [deadLetter] = (await get(`/v1/dead-letters?about=${orderId}`)).body.rows;
    const deadLetterId = deadLetter?.id ?? '';
    const { id: repairId } = await bed.orders.repair.create({
      data: {
        ...{ orderId, found: 'f', done: 'kept', provenance: 'person', actor: 'mia', note: canary },
        ...{ before: { order: { status: 'placed' } }, after: {}, runId: randomUUID() },
      },
    });
    const begun = await post('/v1/bulk', {
      ...{ taskIds: [`dispatch-order/${orderId}`], decision: 'cancel', expected: 1, note: canary },
    });
    const { bulkId } = begun.body;
    await eventually(async () => (await get(`/v1/bulk/${bulkId}`)).body.run.state !== 'running');
    await bed.orders.bulkRun.update({
      where: { id: bulkId },
      data: { abortedBy: 'mia', abortNote: canary },
    });
    await bed.client.getOrder(orderId).result();
    const replay = await post('/v1/dead-letters/replay', {
      ...{ ids: [deadLetterId], note: canary, canary: 0 },
    });
    await post('/v1/hold', { note: canary });
    const held = newOrder();
    await bed.client.placeOrder(held);
    await eventually(
      async () => (await get(`/v1/orders/${held.orderId}/why`)).body.waitsFor === 'release',
    );

    const viewer = await buildTestApi(bed, {
      authentication: actingAs('viewer'),
      services: api.services,
    });
    const { paths } = (await viewer.ask('GET', '/openapi.json')).body;
    const of = (route: string) =>
      route
        .replace('{orderId}', orderId)
        .replace('{taskId}', encodeURIComponent(`dispatch-order/${orderId}`))
        .replace('{bulkId}', String(bulkId))
        .replace('{replayId}', replay.body.replayId)
        .replace('{id}', route.startsWith('/v1/repairs') ? String(repairId) : deadLetterId);
    const routes = Object.entries<object>(paths).flatMap(([route, methods]) =>
      'get' in methods && route !== '/v1/stream' ? [of(route)] : [],
    );
    routes.push(`/v1/orders/${held.orderId}/why`, `/v1/orders?q=${orderId}`);
    for (const url of routes) {
      const seen = await viewer.ask('GET', url);
      expect({ url, status: seen.status }).toEqual({ url, status: 200 });
      expect({ url, tells: seen.text.includes(canary) }).toEqual({ url, tells: false });
    }
    // The same words are there for who may read them.
    expect((await get(`/v1/orders/${orderId}`)).text).toContain(canary);
    expect((await get('/v1/bulk')).body.runs[0]).toMatchObject({ run: { abortNote: canary } });
    expect((await get(`/v1/orders/${held.orderId}/why`)).text).toContain(canary);
    expect(await viewer.ask('GET', `/v1/orders?customerId=${canary}`)).toMatchObject({
      status: 403,
    });
    expect((await viewer.ask('GET', `/v1/orders?q=${canary}`)).body.orders).toEqual([]);
    await viewer.close();
    await post('/v1/hold/release', { note: 'over' });
  });
});

test('whatever is sent, fitting or not, the answer is none of a failure, and as it is described', async () => {
  const { order, taskId } = await escalate();
  const { paths } = (await get('/openapi.json')).body as {
    paths: Record<string, Record<string, Described>>;
  };
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ path, method, described })),
  );
  // What it answers has no end.
  const asked = routes.filter(({ path }) => path !== '/v1/stream');
  const valueOf = (name: string, schema: JsonSchema) =>
    fc.oneof(fittingOrNot(schema), fc.constant(name === 'taskId' ? taskId : order.orderId));
  const request = fc.constantFrom(...asked).chain(({ path, method, described }) => {
    const { parameters = [], requestBody } = described;
    const values = parameters.map((each) =>
      fc.tuple(
        fc.constant(each),
        each.in === 'path'
          ? valueOf(each.name, each.schema)
          : fc.option(fittingOrNot(each.schema), { nil: undefined }),
      ),
    );
    const schema = requestBody?.content['application/json']?.schema;
    return fc.record({
      method: fc.constant(method.toUpperCase()),
      path: fc.constant(path),
      values: fc.tuple(...values),
      body: schema ? fittingOrNot(schema) : fc.constant(undefined),
    });
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, values, body }) => {
      const text = (value: unknown) => {
        const sent = typeof value === 'string' ? value : JSON.stringify(value);
        // Half a pair cannot be sent at all.
        return encodeURIComponent(Buffer.from(sent).toString());
      };
      const query = values.flatMap(([each, value]) =>
        each.in === 'query' && value !== undefined ? [`${each.name}=${text(value)}`] : [],
      );
      const url = values.reduce(
        (filled, [each, value]) =>
          each.in === 'path' ? filled.replace(`{${each.name}}`, () => text(value)) : filled,
        path,
      );
      const answer = await api.app.inject({
        ...{ method: method as 'GET', url: `${url}?${query.join('&')}` },
        headers: {
          host: 'localhost',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      });
      // An answer that does not fit its description is a failure, too: it is checked as it is sent.
      expect(answer.statusCode).toBeLessThan(500);
      if (answer.statusCode >= 400) problemSchema.parse(answer.json());
    }),
    { numRuns: 400 },
  );
  // Whatever of it was taken for a hold.
  await post('/v1/hold/release', { note: 'over' });
});

/** A route as the API describes it. */
interface Described {
  parameters?: { name: string; in: string; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema } | undefined> };
}
