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

/** The activity that the supplement system offers to workflows: it alone reads the dispatch database. */
export interface SupplementActivities {
  /** Looks an order up in the dispatch database's view. */
  findDispatch: (input: { orderId: string }) => Promise<DispatchFacts>;
}
