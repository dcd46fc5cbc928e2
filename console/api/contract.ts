/**
 * What the HTTP API takes and gives, as the console uses it. The rows are those of `operations/`, as JSON:
 * times are ISO 8601. A viewer gets no personal data: such fields are then absent.
 */
import type { Decision } from '../../domain/decisions';
import type { Guidance } from '../../domain/guidance';
import type { HealthFigures } from '../../domain/health';
import type { Hold, HoldState as HeldState } from '../../domain/hold';
import type { HumanTaskRow } from '../../domain/human-task';
import type { Order } from '../../domain/order';
import type { OrderListRow } from '../../domain/order-list';
import type { OrderStatus } from '../../domain/status';
import type { Facts } from '../../domain/verdict';
import type { AuditEntry } from '../../operations/audit';
import type { BulkPlan, BulkProgress, BulkReport } from '../../operations/bulk';
import type { DeadLetterList, DiscardReport, ShownDeadLetter } from '../../operations/dead-letters';
import type { ReplayProgress, ReplayReport } from '../../operations/dead-letters-replay';
import type { Health } from '../../operations/health';
import type { HumanTaskList } from '../../operations/human-tasks';
import type { OrderReport } from '../../operations/order-overview';
import type { RepairRecord } from '../../operations/repairs';
import type { Timeline } from '../../operations/timeline';

/** A value as JSON carries it. */
type Wire<Value> = Value extends Date
  ? string
  : Value extends object
    ? { [Key in keyof Value]: Wire<Value[Key]> }
    : Value;

/** Who may do what: `viewer` reads, `operator` acts on tasks and orders, `admin` on many at once. */
export type Role = 'service' | 'viewer' | 'operator' | 'admin';

/** How one signs in. */
export type AuthKind = 'none' | 'tokens' | 'oidc';

export interface Session {
  actor: string;
  role: Role;
  auth: AuthKind;
  temporalUi?: { url: string; namespace: string };
  version: string;
}

/** `application/problem+json`. */
export interface ProblemBody {
  title: string;
  status: number;
  detail?: string;
  code: string;
  /** How one signs in, of a 401. */
  auth?: AuthKind;
}

/** What may have changed, in the words of `GET /v1/stream`. */
export type ChangedWhat =
  'tasks' | 'orders' | 'bulk' | 'deadLetters' | 'health' | 'hold' | 'repairs' | 'audit';

export type TaskRow = Wire<HumanTaskRow>;
export type TaskPage = Wire<HumanTaskList> & { next: string | null };

/** What a list of tasks is narrowed to, in the query's names. */
export interface TaskFilter {
  reason?: string;
  kind?: string;
  restaurantId?: string;
  claimedBy?: string;
  about?: string;
}

/** As much of JSON Schema as a decision's fields need. */
export interface FieldSchema {
  type?: string;
  title?: string;
  description?: string;
  enum?: string[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  format?: string;
  default?: unknown;
}

export interface DecisionSchema {
  decision: Decision;
  schema: { properties?: Record<string, FieldSchema>; required?: string[] };
}

/** How a task ended. */
export interface TaskEnd {
  closedAt: string;
  /** Such as `resolution`, `answer`, `cancellation`. */
  closedBy: string;
  decision: string | null;
  actor: string | null;
}

export interface TaskDetail {
  /** `end` is null while it is open. */
  task: TaskRow & { end: TaskEnd | null };
  decisions: DecisionSchema[];
  guidance: Guidance;
  why: { text: string } | null;
  /** Absent for a viewer. */
  notes?: { at: string; actor: string; note: string }[];
  /** Why its workflow did not answer. */
  unanswered?: string;
}

export type OrderRow = Wire<OrderListRow>;
export interface OrderPage {
  orders: OrderRow[];
  next: string | null;
}
export type OrderDetail = Wire<Omit<OrderReport, 'order' | 'row' | 'unanswered'>> & {
  row?: Omit<Wire<NonNullable<OrderReport['row']>>, 'order'> | null;
  /** A viewer's has no customer, address, note and details. */
  order?: Partial<Omit<Order, 'details'>> & { details?: unknown };
  unanswered?: string;
};
export type OrderTimeline = Wire<Timeline>;
export type TimelineItem = OrderTimeline['entries'][number];
export interface WhyAnswer {
  text: string;
  notKnown: string[];
}

/** An answer as the ledger has it. */
interface LedgerRow {
  id: string;
  messageId: string;
  requestId: string;
  outcome: string;
  class: string;
  courierId?: string | null;
  rejectionCode?: string | null;
  detail?: string | null;
  decidedAt: string;
  receivedAt: string;
}
export interface OrderMessages {
  acknowledgements: LedgerRow[];
  deadLetters: DeadLetterRow[];
}

export type BulkOverview = Wire<BulkProgress>;
export type BulkDetail = Wire<BulkReport>;
export type BulkPlanned = Wire<BulkPlan>;
/** Which tasks a run is about: those that fit, of which a condition must be given, or those that are named. */
export type BulkTarget =
  | { filter: Omit<TaskFilter, 'reason' | 'about'> & { escalationReason?: string } }
  | { taskIds: string[] };

/** What a decision came to. */
export interface Resolved {
  taskId: string;
  /** The order as the decision left it; null where it was about a finding. */
  order?: { status: OrderStatus } | null;
  /** Where it takes long: it is on its way. */
  asked?: unknown;
}

export type DeadLetterPage = Wire<DeadLetterList> & { next: string | null };
export type DeadLetterRow = DeadLetterPage['rows'][number];
export type DeadLetterShown = Wire<Omit<ShownDeadLetter, 'headers' | 'properties'>> & {
  headers?: Record<string, unknown>;
  properties?: Record<string, unknown>;
};
export interface DeadLetterFilter {
  state?: string;
  reason?: string;
  sourceQueue?: string;
  about?: string;
}
/** Which dead letters: those that fit, of which a condition must be given, or those that are named. */
export type DeadLetterTarget =
  { filter: { reason?: string; sourceQueue?: string; orderId?: string } } | { ids: string[] };
export interface Replay {
  replayId: string;
  /** Absent before the first message went. */
  progress?: ReplayProgress;
  report?: Wire<ReplayReport>;
  failed?: string;
}
export type Discarded = DiscardReport;

export type RepairRow = Omit<Wire<RepairRecord>, 'before' | 'after'> & {
  before: Facts;
  after: Facts;
};
export type AuditRow = Wire<AuditEntry>;
export type HoldAnswer = Wire<HeldState> | { hold: null };
export type HoldRow = Wire<Hold>;
export type HealthAnswer = Wire<Health>;
export interface HealthPoint {
  at: string;
  findings: { critical: number; warning: number };
  figures: HealthFigures;
}
