import { OrderDispatchClient } from '../../client';
import { InvalidConfiguration } from '../../domain/errors';
import { parseNewOrder, parseOrder } from '../../domain/order';
import { FakeOrderDispatch } from '../../testing';
import { createOrderDispatchWorker, type OrderDispatchWorkerOptions } from '../../worker';
import { newOrder } from '../setup';

describe('an order', () => {
  const refusalOf = (fields: object): string => {
    try {
      parseNewOrder({ ...newOrder(), ...fields });
      return 'none';
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return `${code}: ${message}`;
    }
  };
  const circle: Record<string, unknown> = {};
  circle['again'] = circle;

  test.each([
    ['a date', { a: [{ at: new Date() }] }, 'order.details.a[0].at: is a Date, not a plain object'],
    [
      'a field without a value',
      { a: { b: undefined } },
      'order.details.a.b: is undefined: leave it out',
    ],
    ['no number', { ratio: NaN }, 'order.details.ratio: is NaN, which JSON has not'],
    ['a bigint', [1n], 'order.details[0]: is a bigint, which JSON has not'],
    ['a function', { call: () => 1 }, 'order.details.call: is a function, which JSON has not'],
    ['a map', new Map(), 'order.details: is a Map, not a plain object'],
    [
      'itself',
      circle,
      'order.details.again.again.again: is nested more than 100 deep, or in itself',
    ],
  ])('whose details hold %s is refused by the place and the reason', (_what, details, why) => {
    expect(refusalOf({ details })).toBe(`InvalidOrder: ${why}`);
  });

  test('carries any JSON as its details', () => {
    const details = { a: [1, 'b', null, true, { c: {} }], d: Object.create(null) as object };
    expect(parseNewOrder({ ...newOrder(), details }).details).toEqual(details);
    for (const plain of [null, 'text', 0, false, []]) {
      expect(parseNewOrder({ ...newOrder(), details: plain }).details).toEqual(plain);
    }
  });

  test.each(['EUR', 'JPY', 'KWD', 'XOF'])('may be paid in %s', (currency) => {
    expect(refusalOf({ currency })).toBe('none');
  });

  test.each(['XYZ', 'EUX', 'XXX', 'eur', 'constructor'])('cannot be paid in %s', (currency) => {
    expect(refusalOf({ currency })).toBe(
      'InvalidOrder: order.currency: must be an ISO 4217 code such as EUR',
    );
  });

  test('that is under way by older rules goes on', () => {
    expect(parseOrder({ ...newOrder(), currency: 'BGN' })).toMatchObject({ currency: 'BGN' });
  });

  test('whose total no number holds exactly is refused', () => {
    const item = (quantity: number, unitPriceMinor: number) => ({
      sku: 's',
      quantity,
      unitPriceMinor,
    });
    const most = Number.MAX_SAFE_INTEGER;
    const why = 'InvalidOrder: order.items: the total price is above 2^53 - 1';
    expect(refusalOf({ items: [item(1, most)] })).toBe('none');
    expect(refusalOf({ items: [item(2, most)] })).toBe(why);
    expect(refusalOf({ items: [item(1, most), item(1, 1)] })).toBe(why);
  });
});

describe('an option that there is not', () => {
  const slip = { namspace: 'orders' };

  test('is refused by OrderDispatchClient.connect', async () => {
    const connecting = OrderDispatchClient.connect({ address: '127.0.0.1:1', ...slip });
    await expect(connecting).rejects.toThrow(
      new InvalidConfiguration(
        'OrderDispatchClient.connect has no option namspace: it has address, tls, apiKey, namespace, ' +
          'dataConverter, workflowTaskTimeoutMs, callTimeoutMs',
      ),
    );
  });

  test('is refused by placeOrder, which places nothing', async () => {
    const fake = new FakeOrderDispatch();
    const connection = { close: () => Promise.resolve() } as never;
    for (const dispatch of [fake, new OrderDispatchClient({ connection })]) {
      const placing = dispatch.placeOrder(newOrder(), { polcy: {} } as object);
      await expect(placing).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: 'placeOrder has no option polcy: it has policy',
      });
    }
    expect(fake.orders).toEqual([]);
  });

  test('is refused by createOrderDispatchWorker', async () => {
    const options = { amqpUrl: 'amqp://127.0.0.1:1', ordersDatabaseURL: '' };
    const starting = createOrderDispatchWorker(options as unknown as OrderDispatchWorkerOptions);
    await expect(starting).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(
        /^createOrderDispatchWorker has no option ordersDatabaseURL: /,
      ),
    });
  });
});
