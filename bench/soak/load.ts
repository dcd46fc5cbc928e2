import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderDispatchClient } from '../../client';
import { expectDispatched } from '../contestant';
import { newOrder } from '../order';

/** Orders under way at once before it is plain that the service does not keep up. */
const MAXIMUM_UNDER_WAY = 2_000;

/** Orders of which all are dispatched at once, placed as fast as the service takes them, or steadily. */
export class Load {
  private placed = 0;

  constructor(private readonly client: OrderDispatchClient) {}

  /** Keeps so many orders under way. @returns how many were dispatched per second. */
  async full({ forMs, inFlight }: { forMs: number; inFlight: number }): Promise<number> {
    const began = performance.now();
    let dispatched = 0;
    const one = async () => {
      while (performance.now() - began < forMs) {
        await this.dispatch();
        dispatched += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    return (dispatched / (performance.now() - began)) * 1_000;
  }

  /**
   * Places orders at a steady rate. @returns how long each took, in ms.
   *
   * @throws where the service does not keep up, or an order is not dispatched.
   */
  async steady({ perSecond, forMs }: { perSecond: number; forMs: number }): Promise<number[]> {
    const began = performance.now();
    const latenciesMs: number[] = [];
    const underWay = new Set<Promise<void>>();
    let failure: unknown;
    for (let n = 0; (n / perSecond) * 1_000 < forMs; n += 1) {
      await sleep(Math.max(0, began + (n / perSecond) * 1_000 - performance.now()));
      const placedAt = performance.now();
      const order = this.dispatch().then(
        () => void latenciesMs.push(performance.now() - placedAt),
        (error: unknown) => void (failure ??= error),
      );
      underWay.add(order);
      void order.finally(() => underWay.delete(order));
      if (failure !== undefined) throw failure as Error;
      if (underWay.size > MAXIMUM_UNDER_WAY) {
        throw new Error(`${underWay.size} orders are under way: the service does not keep up`);
      }
    }
    await Promise.all(underWay);
    if (failure !== undefined) throw failure as Error;
    return latenciesMs;
  }

  private async dispatch(): Promise<void> {
    this.placed += 1;
    const handle = await this.client.placeOrder(newOrder(`soak-${this.placed}`));
    expectDispatched(await handle.result());
  }
}
