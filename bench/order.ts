import type { Order } from '../client';

/** The order that is placed over and over, as small as most are. */
export function newOrder(orderId: string): Order {
  return {
    orderId,
    customerId: 'customer-7',
    restaurantId: 'restaurant-3',
    deliveryAddress: { line: '1 Long Street', city: 'Sampleton', postcode: '12345' },
    items: [
      { sku: 'noodles', quantity: 2, unitPriceMinor: 1250 },
      { sku: 'tea', quantity: 1, unitPriceMinor: 300 },
    ],
    currency: 'EUR',
    placedAt: new Date().toISOString(),
  };
}
