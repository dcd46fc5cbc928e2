import { historyLength, newOrder, setup, type TestBed } from './setup';

describe('quick path', () => {
  let bed: TestBed;
  beforeAll(async () => (bed = await setup()));
  afterAll(() => bed.close());

  test('an order that is accepted at once takes at most 7 events, one dispatch and one ledger row', async () => {
    const order = newOrder();
    const handle = await bed.client.placeOrder(order);
    const result = await handle.result();

    expect(result).toMatchObject({
      orderId: order.orderId,
      status: 'dispatched',
      dispatchedBy: 'acknowledgement',
      attempts: 1,
      resolvedBy: null,
    });
    expect(await historyLength(bed.temporal, order.orderId)).toBeLessThanOrEqual(7);
    const dispatches = await bed.dispatches.dispatch.findMany({
      where: { orderId: order.orderId },
    });
    expect(dispatches).toMatchObject([{ courierId: result.courierId, status: 'live' }]);
    const ledger = await bed.orders.acknowledgement.findMany({ where: { orderId: order.orderId } });
    expect(ledger).toMatchObject([{ class: 'first', outcome: 'accepted' }]);
  });
});
