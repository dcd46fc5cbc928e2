import { setTimeout as sleep } from 'node:timers/promises';
import {
  DispatchUnavailable,
  OrderConflict,
  OrderDispatchClient,
  TooLateToCancel,
  type Order,
  type PolicyOverrides,
} from '../client';
import { draw } from './draw';
import { IMPATIENT, PATIENT, orderIdOf, type OrderKind } from './behaviour';

/** What a customer was told about an order. */
export interface Placed {
  order: Order;
  /** From the call until it was known to be safe, in ms. */
  placedMs: number;
  /** What the cancellation came to, where one was asked for and is over. */
  cancellation?: 'cancelled' | 'tooLate';
}

/** How many in a hundred are cancelled, placed by two calls at once, and placed again with other content. */
const CANCELLED = 10;
const TWICE = 5;
const CHANGED = 4;

/** How many in a hundred are placed by HTTP. */
const BY_HTTP = 25;

/** A pause before what failed is tried again, in ms: it is safe to repeat. */
const AGAIN_MS = 300;

/** Customers, who place orders at a steady rate and repeat what fails. */
export class Customers {
  /** Orders that somebody was told are placed. */
  readonly placed = new Map<string, Placed>();
  /** What should not have happened, as sentences. */
  readonly surprises: string[] = [];
  /** Orders with other content under the same ID that were refused, as they should be. */
  conflictsRefused = 0;
  private readonly cancelling = new Set<Promise<void>>();
  private isOver = false;

  constructor(
    private readonly given: {
      client: OrderDispatchClient;
      seed: number;
      /** Multiplies each limit. @default 1 */
      patience?: number;
      only?: OrderKind;
      /** HTTP APIs, by which some orders are placed. */
      apiUrls?: readonly string[];
    },
  ) {}

  /** Places so many orders over a time. @throws what the first that cannot be placed says, after that time. */
  async placeAll({ orders, overMs }: { orders: number; overMs: number }): Promise<void> {
    const placing: Promise<void>[] = [];
    for (let n = 1; n <= orders; n += 1) {
      const placed = this.place(n);
      // Heard below: a failure before that would end the process, and leave the servers behind.
      placed.catch(() => {});
      placing.push(placed);
      await sleep(overMs / orders);
    }
    await Promise.all(placing);
  }

  /** Places one more order, and waits for its end. @returns how long that took, in ms. */
  async probe(name: string): Promise<{ orderId: string; tookMs: number }> {
    const orderId = `c${this.given.seed}-${name}-accept`;
    const began = Date.now();
    await this.place(0, orderId);
    await this.again(() => this.given.client.getOrder(orderId).result());
    return { orderId, tookMs: Date.now() - began };
  }

  /** Waits no longer for what customers asked for. */
  async end(): Promise<void> {
    this.isOver = true;
    const { patience = 1 } = this.given;
    await Promise.race([Promise.all(this.cancelling), sleep(5_000 * patience)]);
  }

  private get policy(): PolicyOverrides {
    return this.given.only === 'patient' ? PATIENT : IMPATIENT;
  }

  private orderIdOf(n: number): string {
    return orderIdOf(this.given.seed, n, this.given.only);
  }

  private async place(n: number, orderId = this.orderIdOf(n)): Promise<void> {
    const { client, seed, only, apiUrls = [] } = this.given;
    const { policy } = this;
    const order = orderOf(orderId);
    const began = Date.now();
    const isByHttp = apiUrls.length > 0 && draw(seed, 'http', n) * 100 < BY_HTTP;
    const call = () =>
      this.again<unknown>(() =>
        isByHttp
          ? placeByHttp(apiUrls[n % apiUrls.length] ?? '', order, policy)
          : client.placeOrder(order, { policy }),
      );
    const wants = (what: string, share: number) =>
      n > 0 && only !== 'accept' && draw(seed, what, n) * 100 < share;
    await Promise.all(wants('twice', TWICE) ? [call(), call()] : [call()]);
    this.placed.set(orderId, { order, placedMs: Date.now() - began });
    if (wants('changed', CHANGED)) await this.placeChanged(order);
    if (wants('cancelled', CANCELLED)) {
      const cancelling = this.cancel(orderId, draw(seed, 'when', n) * 6_000);
      this.cancelling.add(cancelling);
      void cancelling.finally(() => this.cancelling.delete(cancelling));
    }
  }

  private async placeChanged(order: Order): Promise<void> {
    const { client } = this.given;
    const { policy } = this;
    try {
      await this.again(() => client.placeOrder({ ...order, note: 'changed' }, { policy }));
      this.surprises.push(`order ${order.orderId} was placed again with other content`);
    } catch (error) {
      if (!(error instanceof OrderConflict)) throw error;
      this.conflictsRefused += 1;
    }
  }

  private async cancel(orderId: string, afterMs: number): Promise<void> {
    await sleep(afterMs);
    const { client } = this.given;
    const placed = this.placed.get(orderId);
    if (!placed) return;
    try {
      const request = { actor: 'customer', note: 'changed their mind' };
      const { status } = await this.again(() => client.getOrder(orderId).cancel(request));
      if (status === 'cancelled') placed.cancellation = 'cancelled';
      else this.surprises.push(`the cancellation of ${orderId} ended with ${status}`);
    } catch (error) {
      if (error instanceof TooLateToCancel) placed.cancellation = 'tooLate';
      else if (!this.isOver) this.surprises.push(`cancelling ${orderId}: ${String(error)}`);
    }
  }

  /** Repeats a call until somebody answers it. */
  private async again<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof DispatchUnavailable) || this.isOver) throw error;
        await sleep(AGAIN_MS);
      }
    }
  }
}

/** As a program in another language does. @throws DispatchUnavailable where that is safe to repeat. */
async function placeByHttp(apiUrl: string, order: Order, policy: PolicyOverrides): Promise<void> {
  const response = await fetch(`${apiUrl}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ order, policy }),
    signal: AbortSignal.timeout(20_000),
  }).catch((cause: unknown) => {
    throw new DispatchUnavailable('the API does not answer', { cause });
  });
  if (response.ok) return;
  const said = await response.text();
  if (response.status === 503 || response.status === 504) throw new DispatchUnavailable(said);
  throw new Error(`POST /v1/orders: ${response.status} ${said}`);
}

function orderOf(orderId: string): Order {
  return {
    orderId,
    customerId: `customer-${orderId}`,
    restaurantId: 'restaurant-3',
    deliveryAddress: { line: '1 Long Street', city: 'Sampleton', postcode: '12345' },
    items: [{ sku: 'noodles', quantity: 2, unitPriceMinor: 1250 }],
    currency: 'EUR',
    placedAt: new Date().toISOString(),
  };
}
