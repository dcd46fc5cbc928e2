import type { AcknowledgedSignal } from '../domain/workflow-contract';

/** Windows that may be missed in a row before only one order at a time tries. */
const MISSES_BEFORE_PROBING = 10;

/** One order's place in the quick path. */
export interface QuickWait {
  /** Waits for the answer, at most `windowMs` from now; `undefined` when none came. */
  answer: (windowMs: number) => Promise<AcknowledgedSignal | undefined>;
  /** Gives the place back; an answer from now on goes by signal. */
  leave: () => void;
}

interface Waiter {
  resolve: (signal: AcknowledgedSignal | undefined) => void;
}

/**
 * Who waits in this process for an acknowledgement inside a workflow task. A wait holds a
 * workflow-task slot, so no more than `maximumWaiting` orders may wait at once, and none in vain:
 * after 10 missed windows in a row one order at a time tries, until one is answered.
 */
export class QuickPath {
  private readonly waiters = new Map<string, Set<Waiter>>();
  private waiting = 0;
  private missesInARow = 0;

  constructor(private readonly maximumWaiting: number) {}

  /** Takes a place for an order, before its request is published; `undefined` where none is free. */
  enter(orderId: string): QuickWait | undefined {
    const limit = this.missesInARow >= MISSES_BEFORE_PROBING ? 1 : this.maximumWaiting;
    if (this.waiting >= limit) return undefined;
    this.waiting += 1;

    let resolve!: Waiter['resolve'];
    const told = new Promise<AcknowledgedSignal | undefined>((settle) => (resolve = settle));
    const waiter: Waiter = { resolve };
    const waiters = this.waiters.get(orderId) ?? new Set();
    this.waiters.set(orderId, waiters.add(waiter));

    const leave = () => {
      if (!waiters.delete(waiter)) return;
      if (waiters.size === 0) this.waiters.delete(orderId);
      this.waiting -= 1;
      resolve(undefined);
    };
    const answer = async (windowMs: number) => {
      const timer = setTimeout(() => {
        if (waiters.has(waiter)) this.missesInARow += 1;
        leave();
      }, windowMs);
      const signal = await told;
      clearTimeout(timer);
      leave();
      return signal;
    };
    return { answer, leave };
  }

  /** Hands an answer to those who wait for it here; false where nobody does. */
  tell(orderId: string, signal: AcknowledgedSignal): boolean {
    const waiters = this.waiters.get(orderId);
    if (!waiters) return false;
    this.missesInARow = 0;
    for (const { resolve } of waiters) resolve(signal);
    return true;
  }
}
