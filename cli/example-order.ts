import type { Order } from '../domain/order';

/** An order as `place --file` takes it: what `place --example` prints, and what tests hold valid. */
export function exampleOrder(now: Date): Order {
  return {
    orderId: `o-${now.getTime()}`,
    customerId: 'c-7',
    restaurantId: 'r-3',
    deliveryAddress: { line: '1 Long Street', city: 'Sampleton', postcode: '12345' },
    items: [{ sku: 'noodles', quantity: 2, unitPriceMinor: 1250 }],
    currency: 'EUR',
    placedAt: now.toISOString(),
    note: 'ring twice',
    details: { any: 'JSON of yours, carried unchanged, at most 32 KiB' },
  };
}
