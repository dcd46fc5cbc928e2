import type { Client } from '@temporalio/client';
import { startReconcileOrder } from '../temporal/start-workflows';
import {
  findDispatchRows,
  toDispatchFacts,
  type DispatchView,
  type DispatchViewRow,
} from '../database/dispatch/dispatch-view';
import type { OrdersDatabase } from '../database/orders/connection';
import { findOrderFacts } from '../database/orders/order-facts';
import { findKeptFactsOf } from '../database/orders/repairs';
import {
  VERDICT_RULES,
  decideVerdict,
  isAsKept,
  type Facts,
  type OrderFacts,
  type Verdict,
  type WorkflowFacts,
} from '../domain/verdict';
import { crashPoint } from '../runtime/crash-point';
import type { Logger } from '../runtime/logger';
import type { Mention } from './mention';
import { findWorkflowFacts } from '../temporal/order-workflows';

/** What a {@link Comparison} compares, and whom it tells. */
export interface ComparisonDependencies {
  orders: OrdersDatabase;
  dispatchView: DispatchView;
  temporal: Client;
  /** Keeps the suspects from asking Temporal all at once. */
  limit: <Result>(work: () => Promise<Result>) => Promise<Result>;
  log: Logger;
}

/** What one mention makes of its order, where that is not in order. */
interface Finding {
  mention: Mention;
  facts: Facts;
  verdict: Verdict;
  rule: string;
}

/**
 * The two databases compared, for the orders that a batch of messages mentions. An order that is in
 * order costs its share of two statements, and nothing else. A suspect is looked at closer:
 *
 * 1. Does a workflow own it? Then it is left alone.
 * 2. Did a person decide to keep it just like this? Then it is left alone, too.
 * 3. Else `reconcileOrder` is started for it; where it runs already, that one goes on.
 *
 * All of it may be done twice: nothing here changes a row.
 */
export class Comparison {
  private readonly mentions = new Map<string, Mention[]>();
  private readonly looks = new Map<string, Promise<void>>();
  private kept: Promise<Map<string, Facts>> | undefined;

  private constructor(
    mentions: readonly Mention[],
    private readonly orders: ReadonlyMap<string, OrderFacts>,
    private readonly dispatches: ReadonlyMap<string, DispatchViewRow>,
    private readonly dependencies: ComparisonDependencies,
  ) {
    for (const mention of mentions) {
      const others = this.mentions.get(mention.orderId);
      if (others) others.push(mention);
      else this.mentions.set(mention.orderId, [mention]);
    }
  }

  /** Reads what both databases say of the mentioned orders: two statements. */
  static async read(
    mentions: readonly Mention[],
    dependencies: ComparisonDependencies,
  ): Promise<Comparison> {
    const orderIds = [...new Set(mentions.map(({ orderId }) => orderId))];
    // One after the other: an acceptance is in the dispatch database first, so an order that is seen
    // as dispatched has its dispatch by then.
    const orders = await findOrderFacts(dependencies.orders, orderIds);
    const dispatches = await findDispatchRows(dependencies.dispatchView, orderIds);
    crashPoint('supplement.afterQueries');
    return new Comparison(mentions, orders, dispatches, dependencies);
  }

  /** Resolves when the order is in order, or whoever puts it in order has been started; one look an order. */
  settle(orderId: string): Promise<void> {
    const look = this.looks.get(orderId) ?? this.look(orderId);
    this.looks.set(orderId, look);
    return look;
  }

  private async look(orderId: string): Promise<void> {
    const { temporal, limit, log } = this.dependencies;
    // Most orders are done by now: Temporal is asked only where that is not enough.
    if (!this.find(orderId, 'ended')) return;
    const workflow = await limit(() => findWorkflowFacts(temporal, orderId));
    const finding = this.find(orderId, workflow);
    if (!finding || (await this.isKept(orderId, finding.facts))) return;

    const { mention, verdict, rule } = finding;
    const { provenance, copy } = mention;
    await limit(() =>
      startReconcileOrder(temporal, {
        orderId,
        trigger: 'request',
        provenance,
        ...(copy && { copy }),
      }),
    );
    crashPoint('supplement.afterStart');
    log.warn({ orderId, provenance, verdict, rule }, 'the databases disagree: reconciling');
  }

  /**
   * What is not in order about an order; `undefined` where all is. Of several messages, the one counts
   * that fits the earliest rule of the verdict table, and of those the newest.
   */
  private find(orderId: string, workflow: WorkflowFacts): Finding | undefined {
    const order = this.orders.get(orderId);
    const dispatch = toDispatchFacts(this.dispatches.get(orderId));
    const findings = (this.mentions.get(orderId) ?? []).map((mention): Finding => {
      const { copy } = mention;
      const facts: Facts = {
        ...(order && { order }),
        dispatch,
        workflow,
        trigger: 'request',
        ...(copy && { copy: { contentHash: copy.contentHash, isOurs: copy.isOurs } }),
      };
      return { mention, facts, ...decideVerdict(facts) };
    });
    return findings
      .filter(({ verdict }) => verdict !== 'consistent')
      .sort((one, other) => rank(one) - rank(other) || newness(other) - newness(one))[0];
  }

  private async isKept(orderId: string, facts: Facts): Promise<boolean> {
    // Once for the batch, and only where it has a suspect.
    this.kept ??= findKeptFactsOf(this.dependencies.orders, [...this.mentions.keys()]);
    const kept = (await this.kept).get(orderId);
    return kept !== undefined && isAsKept(kept, facts);
  }
}

function rank({ rule }: Finding): number {
  return VERDICT_RULES.findIndex(({ name }) => name === rule);
}

function newness({ mention }: Finding): number {
  return mention.copy?.requestNumber ?? 0;
}
