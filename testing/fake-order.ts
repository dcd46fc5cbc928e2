import { CALL_OFF_DECISIONS, ORDER_DECISIONS, type Decision } from '../domain/decisions';
import { defined } from '../domain/defined';
import { ResolutionRefused, TooLateToCancel } from '../domain/errors';
import { refuseFindingDecision } from '../domain/finding-decision';
import type { OrderState } from '../domain/order-state';
import type { Policy } from '../domain/policy';
import { requestIdOf } from '../domain/request-id';
import type { CancelRequest, Resolution } from '../domain/resolution';
import { ORDER_STATUS_EDGES, type EscalationReason, type OrderStatus } from '../domain/status';
import { statusViewOf } from '../domain/status-view';
import { cancelOrderWorkflowId, dispatchOrderWorkflowId } from '../domain/temporal-names';
import type { OrderResult, OrderStatusView } from '../domain/workflow-contract';
import type { FakeClock } from './fake-clock';
import type { FakeAnswer, FakeDispatchSystem } from './fake-dispatch-system';

type Changes = { [Field in keyof OrderState]?: OrderState[Field] | undefined };

const NOT_ESCALATED: Changes = { escalationReason: undefined, escalatedAt: undefined };

/** One order of the fake: the same steps as its workflow's, all of them at once or by the clock. */
export class FakeOrder {
  private row: OrderState;
  private decisions: readonly Decision[] | undefined;
  private workflowId: string;
  /** The request number from which rejections are counted: a person's `retry` starts anew. */
  private firstRequestNumber = 1;
  private isWithdrawing = false;
  private stopWaiting: () => void = () => {};
  private readonly untilSettled = new Set<() => void>();

  constructor(
    private readonly given: {
      orderId: string;
      policy: Policy;
      clock: FakeClock;
      dispatchSystem: FakeDispatchSystem;
    },
  ) {
    const { orderId, policy, clock } = given;
    this.workflowId = dispatchOrderWorkflowId(orderId);
    this.row = {
      orderId,
      status: 'placed',
      requestNumber: 1,
      attempts: 0,
      dispatchBy: clock.iso(policy.dispatchWithinMs),
    };
    this.requestDispatch();
  }

  /** The row, as the service keeps it. */
  get state(): OrderState {
    return { ...this.row };
  }

  /** Whether a workflow of it would run. */
  get isRunning(): boolean {
    return !this.isSettled;
  }

  /** Its open human task, if there is one. */
  get task():
    | {
        taskId: string;
        escalationReason: EscalationReason;
        escalatedAt: string;
        decisions: readonly Decision[];
      }
    | undefined {
    const { escalationReason, escalatedAt } = this.row;
    if (!this.decisions || !escalationReason || !escalatedAt) return undefined;
    return { taskId: this.workflowId, escalationReason, escalatedAt, decisions: this.decisions };
  }

  /** The workflow that has the say about it. */
  get owner(): string {
    return this.workflowId;
  }

  get status(): OrderStatusView {
    const { task } = this;
    return {
      ...statusViewOf(this.row),
      ...(task && {
        humanTask: {
          escalationReason: task.escalationReason,
          escalatedAt: task.escalatedAt,
          decisions: task.decisions,
        },
      }),
    };
  }

  /** Waits until nothing is left to do. */
  async result(): Promise<OrderResult> {
    while (!this.isSettled) {
      await new Promise<void>((resolve) => this.untilSettled.add(resolve));
    }
    const { status, ...rest } = this.status;
    if (status !== 'dispatched' && status !== 'cancelled') throw new Error(`order is ${status}`);
    return { ...rest, status } as OrderResult;
  }

  /** @throws TooLateToCancel */
  async cancel(request: CancelRequest): Promise<OrderResult> {
    if (this.row.status !== 'cancelled' && this.row.status !== 'cancelling') {
      if (this.isSettled) this.workflowId = cancelOrderWorkflowId(this.row.orderId);
      this.startCancellation(request);
    }
    const result = await this.result();
    if (result.status === 'cancelled') return result;
    throw new TooLateToCancel(
      `order ${result.orderId} is dispatched with courier ${result.courierId}`,
    );
  }

  /** @throws ResolutionRefused */
  resolve(resolution: Resolution): OrderState {
    const { decision, courierId } = resolution;
    const { decisions, row } = this;
    if (!decisions && this.isSettled) refuseFindingDecision(row.orderId, decision);
    if (!decisions) throw new ResolutionRefused(`no human task is open: ${this.whyNone}`);
    if (!decisions.includes(decision)) {
      throw new ResolutionRefused(`${decision} is not possible here, only ${decisions.join(', ')}`);
    }
    if (row.escalationReason === 'withdrawalFailed') {
      this.set(NOT_ESCALATED);
      this.withdraw();
    } else if (row.escalationReason === 'courierToCallOff') {
      this.move(decision === 'calledOff' ? 'cancelled' : 'dispatched', this.decided(resolution));
    } else if (decision === 'markDispatched') {
      this.move('dispatched', {
        ...this.decided(resolution),
        dispatchedBy: 'person',
        courierId,
        courierSentBy: resolution.actor,
      });
      this.withdraw();
    } else if (decision === 'cancel') {
      this.startCancellation(resolution);
    } else {
      const { clock, policy } = this.given;
      this.firstRequestNumber = row.requestNumber + 1;
      this.move('placed', {
        ...this.decided(resolution),
        requestNumber: this.firstRequestNumber,
        dispatchBy: clock.iso(policy.dispatchWithinMs),
      });
      this.requestDispatch();
    }
    return this.state;
  }

  private get isSettled(): boolean {
    const { status } = this.row;
    return status === 'cancelled' || (status === 'dispatched' && !this.isWithdrawing);
  }

  private get whyNone(): string {
    const { orderId, status, decision, decidedBy } = this.row;
    if (this.isSettled) return `order ${orderId} is ${status}`;
    return `the order is ${status}${decidedBy ? ` (${decision} by ${decidedBy})` : ''}`;
  }

  private requestDispatch(): void {
    const { dispatchSystem } = this.given;
    const requestId = requestIdOf(this.row.orderId, this.row.requestNumber);
    this.tryUntilAnswered({
      deadline: Date.parse(this.row.dispatchBy),
      ask: () => {
        this.set({ attempts: this.row.attempts + 1 });
        const answer = dispatchSystem.request(requestId);
        if (answer) this.after(answer.answerAfterMs ?? 0, () => this.takeAnswer(requestId, answer));
      },
      exhausted: (isLate) => this.escalate(isLate ? 'deadlinePassed' : 'noAcknowledgement'),
    });
  }

  private takeAnswer(requestId: string, answer: FakeAnswer): void {
    const { status, requestNumber, orderId } = this.row;
    if (status !== 'placed' && status !== 'escalated') return;
    if (answer.outcome === 'accepted') {
      const { courierId } = answer;
      this.move('dispatched', { courierId, dispatchedBy: 'acknowledgement' });
    } else if (requestId === requestIdOf(orderId, requestNumber)) {
      this.takeRejection(answer);
    }
  }

  private takeRejection(answer: Extract<FakeAnswer, { outcome: 'rejected' }>): void {
    const { policy, clock } = this.given;
    const { rejectionCode, retryAfterMs } = answer;
    const { status, requestNumber, dispatchBy } = this.row;
    const isFinal =
      retryAfterMs === undefined && rejectionCode !== 'expired' && policy.onRejection === 'cancel';
    if (isFinal) {
      this.move('cancelled', { rejectionCode });
    } else if (status === 'escalated') {
      return;
    } else if (rejectionCode === 'expired') {
      this.escalate('deadlinePassed', rejectionCode);
    } else if (retryAfterMs === undefined) {
      this.escalate('rejected', rejectionCode);
    } else if (clock.now + retryAfterMs > Date.parse(dispatchBy)) {
      this.escalate('deadlinePassed', rejectionCode);
    } else if (requestNumber - this.firstRequestNumber + 1 >= policy.maximumAttempts) {
      this.escalate('rejected', rejectionCode);
    } else {
      this.waitUntil(clock.now + retryAfterMs, () => {
        this.set({ requestNumber: requestNumber + 1 });
        this.requestDispatch();
      });
    }
  }

  private escalate(
    escalationReason: EscalationReason,
    rejectionCode?: OrderState['rejectionCode'],
  ): void {
    this.move('escalated', defined({ rejectionCode }));
    this.openTask(escalationReason, ORDER_DECISIONS);
  }

  private openTask(escalationReason: EscalationReason, decisions: readonly Decision[]): void {
    this.set({ escalationReason, escalatedAt: this.given.clock.iso() });
    this.decisions = decisions;
  }

  private startCancellation(request: CancelRequest): void {
    this.move('cancelling', { ...this.decided(request), decision: 'cancel' });
    this.withdraw();
  }

  private withdraw(): void {
    const { clock, policy, dispatchSystem } = this.given;
    this.decisions = undefined;
    this.isWithdrawing = true;
    this.tryUntilAnswered({
      deadline: clock.now + policy.dispatchWithinMs,
      ask: () => {
        const answer = dispatchSystem.withdraw();
        if (!answer) return;
        this.stopWaiting();
        this.isWithdrawing = false;
        if (answer.outcome === 'withdrawn') this.endCancellation();
        else if (this.row.status === 'cancelling') this.keepCourier(answer.courierId);
        this.tellIfSettled();
      },
      exhausted: () => this.openTask('withdrawalFailed', ['retry']),
    });
  }

  /** No courier of the dispatch system's comes; one whom a person sent has to be called off. */
  private endCancellation(): void {
    const { status, dispatchedBy } = this.row;
    if (status === 'cancelling' && dispatchedBy === 'person') {
      this.openTask('courierToCallOff', CALL_OFF_DECISIONS);
    } else this.move('cancelled', {});
  }

  /** The withdrawal was refused; a person's courier stays the order's. */
  private keepCourier(courierId: string): void {
    const isPersons = this.row.dispatchedBy === 'person';
    this.move('dispatched', isPersons ? {} : { courierId, dispatchedBy: 'acknowledgement' });
  }

  /** Asks, and asks again by the policy, until something else happens or the attempts are used up. */
  private tryUntilAnswered(question: {
    deadline: number;
    ask: () => void;
    exhausted: (isLate: boolean) => void;
  }): void {
    const { clock, policy } = this.given;
    const { deadline, ask, exhausted } = question;
    const attempt = (number: number): void => {
      // Before it is asked: an answer that comes at once ends the wait.
      this.waitUntil(Math.min(clock.now + policy.acknowledgementTimeoutMs, deadline), () => {
        const pause = policy.initialIntervalMs * policy.backoffCoefficient ** (number - 1);
        const next = clock.now + Math.min(pause, policy.maximumIntervalMs);
        if (clock.now >= deadline) exhausted(true);
        else if (number >= policy.maximumAttempts) exhausted(false);
        else if (next >= deadline) exhausted(true);
        else this.waitUntil(next, () => attempt(number + 1));
      });
      ask();
    };
    attempt(1);
  }

  /** Waits for one thing at a time: what was waited for before is not any more. */
  private waitUntil(at: number, goOn: () => void): void {
    this.stopWaiting();
    if (at <= this.given.clock.now) return goOn();
    this.stopWaiting = this.given.clock.schedule(at, goOn);
  }

  private after(ms: number, happen: () => void): void {
    if (ms <= 0) return happen();
    const { clock } = this.given;
    clock.schedule(clock.now + ms, happen);
  }

  /** Moves the status along an edge, or leaves the row as it is. */
  private move(to: OrderStatus, changes: Changes): void {
    if (!ORDER_STATUS_EDGES[this.row.status].includes(to)) return;
    this.stopWaiting();
    this.decisions = undefined;
    this.set({ ...changes, ...NOT_ESCALATED, status: to });
    this.tellIfSettled();
  }

  private set(changes: Changes): void {
    this.row = defined({ ...this.row, ...changes }) as OrderState;
  }

  private decided({ actor, decision }: { actor: string; decision?: Decision }): Changes {
    return { decision, decidedBy: actor, decidedAt: this.given.clock.iso() };
  }

  private tellIfSettled(): void {
    if (!this.isSettled) return;
    for (const tell of this.untilSettled) tell();
    this.untilSettled.clear();
  }
}
