import pLimit from 'p-limit';
import type { Order } from '../client';
import { newOrder } from './order';
import type { Surroundings } from './servers';

/** One way to do the job. */
export interface Contestant {
  /**
   * Does one order, from the call that places it until the caller knows its final state: this is
   * what is timed. Rejects unless the order is dispatched.
   */
  dispatch(order: Order): Promise<unknown>;
  close(): Promise<void>;
}

/** Orders to place, with so many under way at all times. */
export interface Batch {
  orderIds: string[];
  inFlight: number;
}

/** How a batch went. */
export interface BatchTimes {
  /** From the first order's start until the last one's end, in ms. */
  elapsedMs: number;
  /** Of each order, in ms. */
  latenciesMs: number[];
}

/** What the benchmark asks of a contestant's process. */
export type Request =
  { kind: 'open'; surroundings: Surroundings } | ({ kind: 'run' } & Batch) | { kind: 'close' };

/** What the process answers to each request. */
export type Reply = { kind: 'done'; times?: BatchTimes } | { kind: 'failed'; error: string };

/**
 * The life of a contestant's process, one for each, so that its CPU and memory are its own: opens
 * the contestant, runs batches, closes it.
 */
export function serveContestant(open: (surroundings: Surroundings) => Promise<Contestant>): void {
  let contestant: Contestant | undefined;
  const answer = async (request: Request): Promise<Reply> => {
    switch (request.kind) {
      case 'open':
        contestant = await open(request.surroundings);
        return { kind: 'done' };
      case 'run':
        if (!contestant) throw new Error('the contestant is not open');
        return { kind: 'done', times: await runBatch(contestant, request) };
      case 'close':
        await contestant?.close();
        return { kind: 'done' };
    }
  };
  process.on('message', (request: Request) => {
    void answer(request)
      .catch((error: unknown): Reply => {
        return { kind: 'failed', error: error instanceof Error ? `${error.stack}` : String(error) };
      })
      .then((reply) => process.send?.(reply));
  });
  // Also where the benchmark died: nobody is left to close it.
  process.on('disconnect', () => process.exit());
}

async function runBatch(
  contestant: Contestant,
  { orderIds, inFlight }: Batch,
): Promise<BatchTimes> {
  const limit = pLimit(inFlight);
  const start = performance.now();
  const latenciesMs = await limit.map(orderIds, async (orderId) => {
    const order = newOrder(orderId);
    const placed = performance.now();
    await contestant.dispatch(order);
    return performance.now() - placed;
  });
  return { elapsedMs: performance.now() - start, latenciesMs };
}
/** @throws where an order ended otherwise than the benchmark's dispatch system makes it end. */
export function expectDispatched(order: { orderId: string; status: string }): void {
  if (order.status !== 'dispatched') throw new Error(`order ${order.orderId} is ${order.status}`);
}
