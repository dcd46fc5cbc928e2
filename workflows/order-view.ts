import { isApplied, type Answer, type OrderProgress, type OrderState } from '../domain/order-state';
import type {
  AcknowledgedSignal,
  DispatchOrderInput,
  OrderResult,
  OrderStatusView,
} from '../domain/workflow-contract';
import type { ReleasedSignal } from '../domain/hold';
import type { Policy } from '../domain/policy';
import type { EscalationReason } from '../domain/status';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import { statusViewOf } from '../domain/status-view';
import type { CancelRequest } from '../domain/resolution';
import { humanTaskView, type HumanTask, type TaskOwner } from './human-task';

/**
 * What the workflow knows of its order. The row in the order database is the truth; this is the
 * newest view of it, from the results of activities and the signals of the acknowledgement consumer.
 */
export class OrderView implements TaskOwner {
  /** What was asked for: known from the start, or with the row of an order that is cancelled later. */
  input!: DispatchOrderInput;
  policy!: Policy;
  /** Where the order stands; absent until the first activity or signal says so. */
  private row: OrderState | undefined;
  private readonly answers = new Map<string, Answer>();
  /** IDs of requests and withdrawals that the dispatch system gave up on. */
  readonly deadLetters = new Set<string>();
  /** The cancellation that is asked for and not yet decided. */
  cancelRequest: CancelRequest | undefined;
  /** Why the order got no further, until its row says so: it may not be recorded by then. */
  exhaustion: EscalationReason | undefined;
  /** What the last request failed with, where it was no timeout; nothing of it is personal. */
  unforeseen: string | undefined;
  /** The human task that is open. */
  humanTask: HumanTask | undefined;
  /** Whether a withdrawal that was refused after a person's `markDispatched` was reported. */
  isRefusalReported = false;
  /** When the broker confirmed the quick path's request, until the durable path has used it. */
  confirmedAt: string | undefined;
  /** The hold that keeps the request at home. */
  private holdId: number | undefined;
  /** A release that is known before the activity's result that says what it releases. */
  private released: ReleasedSignal | undefined;
  /** The request number from which rejections are counted: a person's `retry` starts anew. */
  firstRequestNumber = 1;

  /**
   * @param continueAsNew goes on in a new run, from the row; for when the history is full.
   */
  constructor(
    private readonly orderId: string,
    readonly continueAsNew: () => Promise<never>,
  ) {}

  /** The current request's number, where anything is known of the order yet. */
  get requestNumber(): number | undefined {
    return this.row?.requestNumber ?? this.input.requestNumber;
  }

  /** Where the order stands. */
  get order(): OrderState {
    if (!this.row) throw new Error('the order is read only after it was submitted');
    return this.row;
  }

  /** The applied answer to the current request. */
  get answer(): Answer | undefined {
    const { orderId, requestNumber } = this.order;
    return this.answers.get(requestIdOf(orderId, requestNumber));
  }

  /** The applied rejection of the current request. */
  get rejection(): Answer | undefined {
    return this.answer?.outcome === 'rejected' ? this.answer : undefined;
  }

  /** Whether the dispatch system gave up on the current request. */
  get isRequestDeadLettered(): boolean {
    const { orderId, requestNumber } = this.order;
    return this.deadLetters.has(requestIdOf(orderId, requestNumber));
  }

  /** The applied answer to the withdrawal. */
  get withdrawalAnswer(): Answer | undefined {
    return this.answers.get(withdrawalIdOf(this.orderId));
  }

  /** Takes what an activity found. */
  takeProgress({ order, policy, answer, withdrawalAnswer, holdId }: OrderProgress): void {
    this.policy = policy;
    this.takeResult(order);
    this.holdId = holdId;
    this.applyRelease();
    for (const known of [answer, withdrawalAnswer]) {
      if (known) this.takeAnswer(known);
    }
  }

  /** Whether a person's decision keeps the request at home. */
  get isHeld(): boolean {
    return this.holdId !== undefined;
  }

  /** Takes what the release of a hold tells. */
  takeRelease(signal: ReleasedSignal): void {
    this.released = signal;
    this.applyRelease();
  }

  private applyRelease(): void {
    const { row, holdId, released } = this;
    if (!row || holdId === undefined || !released || released.holdId < holdId) return;
    this.holdId = undefined;
    // Once: whoever is held again is on the list again, and is told again.
    this.released = undefined;
    if (row.status === 'placed') this.row = { ...row, dispatchBy: released.dispatchBy };
  }

  /** Takes an applied answer. */
  takeAnswer(answer: Answer): void {
    this.answers.set(answer.requestId, answer);
  }

  /**
   * Takes the row that an activity returned. It may be older than a signal that came meanwhile, and
   * only signals bring `dispatched` unasked, so nothing goes back from there to before it.
   */
  takeResult(order: OrderState): void {
    const stale =
      this.row?.status === 'dispatched' &&
      (order.status === 'placed' || order.status === 'escalated');
    if (!stale) this.row = order;
  }

  /** Takes what the acknowledgement consumer tells. Answers that are not applied change nothing here. */
  takeSignal(signal: AcknowledgedSignal): void {
    if (!isApplied(signal)) return;
    const { answer, order } = signal;
    this.takeAnswer(answer);
    const waits = !this.row || this.row.status === 'placed' || this.row.status === 'escalated';
    if (order?.status === 'dispatched' && waits) this.row = order;
  }

  /**
   * Whether nothing is left to do: the order is cancelled, or dispatched with neither a cancellation
   * asked for nor, after a person's `markDispatched`, a withdrawal unanswered.
   */
  get isSettled(): boolean {
    const { status, dispatchedBy } = this.order;
    if (status === 'cancelled') return true;
    if (status !== 'dispatched' || this.cancelRequest) return false;
    return dispatchedBy === 'acknowledgement' || this.isWithdrawalDone;
  }

  /** Where the order stands, for people. */
  get status(): OrderStatusView {
    const isHeld = this.order.status === 'placed' && this.isHeld;
    return {
      ...statusViewOf(this.order),
      ...(isHeld && { isHeld: true as const }),
      ...humanTaskView(this),
    };
  }

  /** What became of the order. */
  get result(): OrderResult {
    const { status, ...rest } = this.status;
    if (status !== 'dispatched' && status !== 'cancelled') throw new Error(`order is ${status}`);
    // The acknowledgement's schema, and a resolution's, vouch for a dispatched order's courier.
    return { ...rest, status } as OrderResult;
  }

  /** Why a resolution changes nothing while no human task is open. */
  whyNoTask = (): string => {
    const { row, cancelRequest } = this;
    if (cancelRequest) return `no human task is open: ${cancelRequest.actor} cancels the order`;
    if (!row) return 'no human task is open: the order is being placed';
    const by = row.decidedBy ? ` (${row.decision} by ${row.decidedBy} at ${row.decidedAt})` : '';
    return `no human task is open: the order is ${row.status}${by}`;
  };

  private get isWithdrawalDone(): boolean {
    const { withdrawalAnswer, order, isRefusalReported } = this;
    if (!withdrawalAnswer || order.escalationReason) return false;
    return withdrawalAnswer.outcome === 'withdrawn' || isRefusalReported;
  }
}
