import { userInfo } from 'node:os';
import type { PolicyOverrides } from '../client';
import { buildTestApi, type TestApi } from './api-bed';
import { newOrder, openTask, setup, type TestBed } from './setup';

/** Silence becomes a human task within half a second. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 200,
  initialIntervalMs: 50,
  maximumAttempts: 1,
};

const ME = `local:${userInfo().username}`;

let bed: TestBed;
let api: TestApi;
beforeAll(async () => {
  bed = await setup({ policy: IMPATIENT });
  api = await buildTestApi(bed);
}, 60_000);
afterAll(async () => {
  await api.close();
  await bed.close();
});

const escalate = async () => {
  const order = newOrder();
  bed.script(order.orderId, ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' },
  );
  const handle = await bed.client.placeOrder(order);
  await openTask(handle);
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
    const etag = String(first.headers['etag']);
    const headers = { 'if-none-match': etag };
    expect(await api.ask('GET', url, { headers })).toMatchObject({ status: 304, text: '' });
    await api.ask('POST', `/v1/tasks/${encodeURIComponent(first.body.rows[0].taskId)}/claim`, {
      body: {},
    });
    expect(await api.ask('GET', url, { headers })).toMatchObject({
      status: 200,
      body: { rows: [{ claimedBy: ME }] },
    });
  });
});
