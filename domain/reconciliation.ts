import type { Via } from './act';
import type { Order } from './order';
import type { OrderProgress } from './order-state';
import type { Policy } from './policy';
import type {
  CopyFacts,
  DispatchFacts,
  Facts,
  OrderFacts,
  TriggerKind,
  WorkflowFacts,
} from './verdict';

/** A request's copy of the order, as the supplement system got it. */
export interface OrderCopy extends CopyFacts {
  /** As carried; parsed where the order is placed again. */
  order: Record<string, unknown>;
  /** `n` of the request that carried it. */
  requestNumber: number;
  /** How hard it was tried; requests of older workers carry none. */
  policy?: Record<string, unknown>;
}

/** What brings an order up to be compared or reconciled. */
export interface Finding {
  orderId: string;
  trigger: TriggerKind;
  /** What brought it up: the ID of a message or of a workflow run, a sweep, or a person. */
  provenance: string;
  /** The order as a request carried it. */
  copy?: OrderCopy;
  /** Which way it came, where a person brought it up. */
  via?: Via;
  /** Of its human task, ISO 8601, where a run goes on in a new one while it is open. */
  taskOpenedAt?: string;
}

/** That a person had an order reconciled. */
export interface ReconciliationAct {
  orderId: string;
  actor: string;
  via?: Via;
}

/** A finding's human task, as its row is opened. */
export interface FindingTask {
  orderId: string;
  /** ISO 8601. */
  openedAt: string;
  dueAt: string;
  overdueAt: string;
}

/** What a repair did. */
export type RepairAction = 'nothing' | 'restarted' | 'withdrawn' | 'kept' | 'withdrawalRefused';

/** A repair as it is recorded. */
export interface Repair {
  orderId: string;
  /** The rule that found it. */
  found: string;
  done: RepairAction;
  before: Facts;
  after: Facts;
  provenance: string;
  actor?: string;
  note?: string;
}

/** An order with all that a workflow needs to follow its row. */
export interface LoadedOrder {
  order: Order;
  progress: OrderProgress;
}

/** What the worker's side knows of an order. */
export interface OrderSideFacts {
  order?: OrderFacts;
  /** What a person decided to leave as it is, where that was the last thing done about the order. */
  kept?: Facts;
  workflow: WorkflowFacts;
  /** The order's, by which its withdrawal is tried. */
  policy?: Policy;
}

/** The activities that the supplement system offers to workflows: it alone has both databases. */
export interface SupplementActivities {
  /** Looks an order up in the dispatch database's view. */
  findDispatch: (input: { orderId: string }) => Promise<DispatchFacts>;
  /** Checks the service's health and records what it saw. @returns how many findings of each severity. */
  checkHealth: () => Promise<{ critical: number; warning: number }>;
  /**
   * Has what is not in order reconciled, of the orders that changed in a time.
   *
   * @param input.from ISO 8601, as `until`.
   */
  sweepOrders: (input: { from: string; until: string }) => Promise<SweepCounts>;
}

/** What a sweep did. */
export interface SweepCounts {
  looked: number;
  /** Orders that `reconcileOrder` was started for. */
  found: number;
}
