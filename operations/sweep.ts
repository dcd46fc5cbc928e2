import type { Client } from '@temporalio/client';
import { startReconcileOrder } from '../temporal/start-workflows';
import { findWorkflowFacts } from '../temporal/order-workflows';
import {
  findChangedLiveOrderIds,
  findDispatchRows,
  toDispatchFacts,
  type DispatchView,
} from '../database/dispatch/dispatch-view';
import type { OrdersDatabase } from '../database/orders/connection';
import { findChangedOrderIds, findOrderFacts } from '../database/orders/order-facts';
import { findKeptFactsOf } from '../database/orders/repairs';
import { decideVerdict, isAsKept, type Facts } from '../domain/verdict';

/** What {@link sweep} looks at. */
export interface SweepOptions {
  orders: OrdersDatabase;
  dispatchView: DispatchView;
  temporal: Client;
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

async function reconcileSuspects(options: SweepOptions, orderIds: string[]): Promise<string[]> {
  const { orders, dispatchView, temporal, until } = options;
  const orderFacts = await findOrderFacts(orders, orderIds);
  const dispatchRows = await findDispatchRows(dispatchView, orderIds);
  const factsOf = (orderId: string, workflow: Facts['workflow']): Facts => {
    const order = orderFacts.get(orderId);
    const dispatch = toDispatchFacts(dispatchRows.get(orderId));
    return { ...(order && { order }), dispatch, workflow, trigger: 'sweep' };
  };
  const isSuspect = (facts: Facts) => decideVerdict(facts).verdict !== 'consistent';
  const suspects = orderIds.filter((orderId) => isSuspect(factsOf(orderId, 'ended')));
  if (suspects.length === 0) return [];

  const kept = await findKeptFactsOf(orders, suspects);
  const found: string[] = [];
  for (const orderId of suspects) {
    const facts = factsOf(orderId, await findWorkflowFacts(temporal, orderId));
    const keptFacts = kept.get(orderId);
    if (!isSuspect(facts) || (keptFacts && isAsKept(keptFacts, facts))) continue;
    const provenance = `sweep until ${until.toISOString()}`;
    await startReconcileOrder(temporal, { orderId, trigger: 'sweep', provenance });
    found.push(orderId);
  }
  return found;
}
