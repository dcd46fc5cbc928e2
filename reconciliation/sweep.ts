import { findChangedLiveOrderIds } from '../database/dispatch/dispatch-view';
import { findChangedOrderIds } from '../database/orders/order-facts';
import { Comparison, type ComparisonDependencies } from './comparison';

/** What {@link sweep} looks at. */
export interface SweepOptions extends Omit<ComparisonDependencies, 'onStarted'> {
  /** Rows that changed from then on; not before the shortest retention of orders, 31 days. */
  from: Date;
  /** And until then: what changes just now has its own way. */
  until: Date;
  /** Orders in one step. @default 500 */
  pageSize?: number;
  onProgress?: (looked: number) => void;
}

/** What a sweep found. */
export interface SweepReport {
  looked: number;
  /** The orders that `reconcileOrder` was started for. */
  found: string[];
}

/**
 * Compares the two databases for every order that changed in a time, from both sides, and has
 * `reconcileOrder` look at what is not in order: also an order whose workflow is gone. Two queries a
 * step, and Temporal is asked about suspects only. Safe to repeat, and to stop anywhere.
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const { orders, dispatchView, from, until, pageSize = 500, onProgress } = options;
  const looked = new Set<string>();
  const found: string[] = [];
  const pages = [
    (afterId: string) => findChangedOrderIds(orders, { from, until, afterId, limit: pageSize }),
    (afterId: string) =>
      findChangedLiveOrderIds(dispatchView, { from, until, afterId, limit: pageSize }),
  ];
  for (const page of pages) {
    let afterId = '';
    for (;;) {
      const orderIds = await page(afterId);
      const last = orderIds.at(-1);
      if (last === undefined) break;
      afterId = last;
      const fresh = orderIds.filter((orderId) => !looked.has(orderId));
      found.push(...(await reconcileSuspects(options, fresh)));
      for (const orderId of fresh) looked.add(orderId);
      onProgress?.(looked.size);
    }
  }
  return { looked: looked.size, found };
}

async function reconcileSuspects(
  options: SweepOptions,
  orderIds: readonly string[],
): Promise<string[]> {
  const provenance = `sweep until ${options.until.toISOString()}`;
  const findings = orderIds.map((orderId) => ({ orderId, trigger: 'sweep' as const, provenance }));
  const comparison = await Comparison.read(findings, options);
  const isStarted = await Promise.all(
    orderIds.map((orderId) => comparison.reconcileIfSuspect(orderId)),
  );
  return orderIds.filter((_, index) => isStarted[index]);
}
