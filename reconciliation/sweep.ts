import { changesFrom, type Change, type ChangesPage } from '../database/changes';
import { findChangedLiveOrders } from '../database/dispatch/dispatch-view';
import { findChangedOrders, selectChangedOrders } from '../database/orders/order-facts';
import { Comparison, type ComparisonDependencies } from './comparison';
import { followFindingTasks, type FollowedTasks } from './finding-tasks';

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
  /** Rows of human tasks that disagreed with their workflows. */
  tasks: FollowedTasks;
}

/**
 * Compares the two databases for every order that changed in a time, from both sides, and has
 * `reconcileOrder` look at what is not in order: also an order whose workflow is gone. A few queries a
 * step, whose cost depends on what changed and not on what there is; Temporal is asked about suspects
 * only. Then it makes the list of findings' human tasks agree with their workflows. Safe to repeat,
 * and to stop anywhere.
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const { orders, dispatchView, from, until, pageSize = 500, onProgress } = options;
  const report: Omit<SweepReport, 'tasks'> = { looked: 0, found: [] };
  const look = async (orderIds: readonly string[]) => {
    report.found.push(...(await reconcileSuspects(options, orderIds)));
    report.looked += orderIds.length;
    onProgress?.(report.looked);
  };
  const walk = { from, until, limit: pageSize };
  for await (const changes of pagesOf(walk, (page) => findChangedOrders(orders, page))) {
    await look(changes.map(({ orderId }) => orderId));
  }
  for await (const changes of pagesOf(walk, (page) => findChangedLiveOrders(dispatchView, page))) {
    const orderIds = [...new Set(changes.map(({ orderId }) => orderId))];
    const looked = await selectChangedOrders(orders, { orderIds, from, until });
    await look(orderIds.filter((orderId) => !looked.has(orderId)));
  }
  return { ...report, tasks: await followFindingTasks(options) };
}

async function* pagesOf(
  { from, until, limit }: { from: Date; until: Date; limit: number },
  read: (page: ChangesPage) => Promise<Change[]>,
): AsyncGenerator<Change[]> {
  let after: Change | undefined = changesFrom(from);
  while (after) {
    const changes: Change[] = await read({ after, until, limit });
    if (changes.length > 0) yield changes;
    after = changes.length < limit ? undefined : changes.at(-1);
  }
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
