import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import {
  findDispatchRows,
  toDispatchFacts,
  type DispatchView,
  type DispatchViewRow,
} from '../database/dispatch/dispatch-view';
import type { OrdersDatabase } from '../database/orders/connection';
import { findOrderFacts } from '../database/orders/order-facts';
import { findKeptFactsOf } from '../database/orders/repairs';
import type { Finding } from '../domain/reconciliation';
import {
  VERDICT_RULES,
  decideVerdict,
  isAsKept,
  type Facts,
  type OrderFacts,
  type Verdict,
  type WorkflowFacts,
} from '../domain/verdict';
import { findWorkflowFacts } from '../temporal/order-workflows';
import { startReconcileOrder } from '../temporal/start-workflows';
import { defined } from '../domain/defined';

/** What is compared, and whom it is told to. */
export interface ComparisonDependencies {
  orders: OrdersDatabase;
  dispatchView: DispatchView;
  temporal: Client;
  /** Hears of each order whose `reconcileOrder` was started. */
  onStarted?: (suspect: Suspect) => void;
}

/** An order that is not in order, by what brought it up. */
export interface Suspect {
  finding: Finding;
  facts: Facts;
  verdict: Verdict;
  /** The rule of the verdict table that says so. */
  rule: string;
}

/** What both databases say of some orders. */
interface Rows {
  orders: ReadonlyMap<string, OrderFacts>;
  dispatches: ReadonlyMap<string, DispatchViewRow>;
}

/** Suspects that are asked about or started at once: Temporal has orders to dispatch, too. */
const SUSPECTS_AT_ONCE = 20;

const limit = pLimit(SUSPECTS_AT_ONCE);

/**
 * The two databases compared, for a batch of orders that something brought up. An order that is in
 * order costs its share of two statements, and nothing else. A suspect is looked at closer:
 *
 * 1. Does a workflow own it? Then it is left alone.
 * 2. Is it in order by now? Its workflow may have ended meanwhile.
 * 3. Did a person decide to keep it just like this? Then it is left alone, too.
 * 4. Else `reconcileOrder` is started for it; where it runs already, that one goes on.
 *
 * All of it may be done twice: nothing here changes a row.
 */
export class Comparison {
  private readonly findings = new Map<string, Finding[]>();
  private readonly looks = new Map<string, Promise<boolean>>();
  private kept: Promise<Map<string, Facts>> | undefined;

  private constructor(
    findings: readonly Finding[],
    private readonly rows: Rows,
    private readonly dependencies: ComparisonDependencies,
  ) {
    for (const finding of findings) {
      const others = this.findings.get(finding.orderId);
      if (others) others.push(finding);
      else this.findings.set(finding.orderId, [finding]);
    }
  }

  /** Reads what both databases say of the orders: two statements. */
  static async read(
    findings: readonly Finding[],
    dependencies: ComparisonDependencies,
  ): Promise<Comparison> {
    const orderIds = [...new Set(findings.map(({ orderId }) => orderId))];
    return new Comparison(findings, await readRows(orderIds, dependencies), dependencies);
  }

  /**
   * Resolves when the order is in order, or whoever puts it in order has been started; looks once,
   * however often it is asked about an order.
   *
   * @returns whether `reconcileOrder` was started.
   */
  reconcileIfSuspect(orderId: string): Promise<boolean> {
    const look = this.looks.get(orderId) ?? this.look(orderId);
    this.looks.set(orderId, look);
    return look;
  }

  private async look(orderId: string): Promise<boolean> {
    const { temporal, onStarted } = this.dependencies;
    // Most orders are done by now: Temporal is asked only where that is not enough.
    if (!this.findSuspect(orderId, this.rows, 'ended')) return false;
    const workflow = await limit(() => findWorkflowFacts(temporal, orderId));
    if (!this.findSuspect(orderId, this.rows, workflow)) return false;
    // Again: its workflow may have moved it, and ended, after the rows were read.
    const rows = await limit(() => readRows([orderId], this.dependencies));
    const suspect = this.findSuspect(orderId, rows, workflow);
    if (!suspect || (await this.isKept(orderId, suspect.facts))) return false;
    await limit(() => startReconcileOrder(temporal, suspect.finding));
    onStarted?.(suspect);
    return true;
  }

  /**
   * What is not in order about an order; `undefined` where all is. Of several findings, the one counts
   * that fits the earliest rule of the verdict table, and of those the newest.
   */
  private findSuspect(orderId: string, rows: Rows, workflow: WorkflowFacts): Suspect | undefined {
    const order = rows.orders.get(orderId);
    const dispatch = toDispatchFacts(rows.dispatches.get(orderId));
    const suspects = (this.findings.get(orderId) ?? []).map((finding): Suspect => {
      const { trigger, copy } = finding;
      const facts: Facts = {
        ...defined({ order }),
        dispatch,
        workflow,
        trigger,
        ...(copy && { copy: { contentHash: copy.contentHash, isOurs: copy.isOurs } }),
      };
      return { finding, facts, ...decideVerdict(facts) };
    });
    return suspects
      .filter(({ verdict }) => verdict !== 'consistent')
      .sort((one, other) => rank(one) - rank(other) || newness(other) - newness(one))[0];
  }

  private async isKept(orderId: string, facts: Facts): Promise<boolean> {
    // Once for the batch, and only where it has a suspect.
    this.kept ??= findKeptFactsOf(this.dependencies.orders, [...this.findings.keys()]);
    const kept = (await this.kept).get(orderId);
    return kept !== undefined && isAsKept(kept, facts);
  }
}

async function readRows(
  orderIds: string[],
  { orders, dispatchView }: ComparisonDependencies,
): Promise<Rows> {
  // One after the other: an acceptance is in the dispatch database first, so an order that is seen
  // as dispatched has its dispatch by then.
  const orderFacts = await findOrderFacts(orders, orderIds);
  return { orders: orderFacts, dispatches: await findDispatchRows(dispatchView, orderIds) };
}

function rank({ rule }: Suspect): number {
  return VERDICT_RULES.findIndex(({ name }) => name === rule);
}

function newness({ finding }: Suspect): number {
  return finding.copy?.requestNumber ?? 0;
}
