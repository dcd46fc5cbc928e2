import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { ResolutionRefused } from '../domain/errors';
import type { OrderState } from '../domain/order-state';
import { DECISIONS, parseResolution, type Decision, type Resolution } from '../domain/resolution';
import type { EscalationReason } from '../domain/status';
import { applyResolution, cancelRejected, retryWithdrawal } from './activities';
import { describeTask } from './describe-task';
import type { dispatchOrder } from './dispatch-order';
import { listTask, unlistTask } from './search-attributes';
import type { OrderView } from './order-view';

/** Refused signals that the current details show. */
const REFUSALS_KEPT = 20;

/** A human task that is open. */
export interface HumanTask {
  readonly escalationReason: EscalationReason;
  readonly decisions: readonly Decision[];
  /** Signals that changed nothing, and why: a signal has no other way to tell its sender. */
  readonly refusals: string[];
  /** The first valid resolution; every later one is refused. */
  accepted?: Resolution;
  /** Whether that resolution's compare-and-set won, once it is known. */
  won?: boolean;
}

/** The human task of an `escalated` order. An acceptance, or a cancellation, closes it by itself. */
export async function orderTask(view: OrderView): Promise<void> {
  const { orderId, requestNumber } = view.order;
  const finalRejection = () => {
    const { answer, policy } = view;
    if (answer?.outcome !== 'rejected') return;
    const isFinal = answer.retryAfterMs === undefined && answer.rejectionCode !== 'expired';
    return isFinal && policy.onRejection === 'cancel' ? answer.rejectionCode : undefined;
  };
  await openTask(view, {
    decisions: DECISIONS,
    isClosed: () =>
      view.order.status !== 'escalated' ||
      view.cancelRequest !== undefined ||
      finalRejection() !== undefined,
    resolve: async (resolution, at) => {
      const dispatchBy = new Date(at.getTime() + view.policy.dispatchWithinMs).toISOString();
      const order = await applyResolution({
        orderId,
        resolution,
        at: at.toISOString(),
        dispatchBy,
      });
      view.firstRequestNumber = order.requestNumber;
      return order;
    },
  });
  const rejectionCode = finalRejection();
  if (view.order.status === 'escalated' && !view.cancelRequest && rejectionCode) {
    view.takeResult(await cancelRejected({ orderId, requestNumber, rejectionCode }));
  }
}

/** The human task of a withdrawal that nobody answered. A late answer closes it by itself. */
export async function withdrawalTask(view: OrderView): Promise<void> {
  const { orderId } = view.order;
  await openTask(view, {
    decisions: ['retry'],
    isClosed: () => view.withdrawalAnswer !== undefined,
    resolve: (resolution, at) => retryWithdrawal({ orderId, resolution, at: at.toISOString() }),
  });
}

/**
 * Checks a resolution against the open human task.
 *
 * @throws {@link ResolutionRefused} that says why it changes nothing.
 */
export function checkResolution(view: OrderView, input: unknown): Resolution {
  const resolution = parseResolution(input);
  const { humanTask } = view;
  if (!humanTask) throw new ResolutionRefused(whyNoTask(view));
  if (humanTask.accepted) {
    throw new ResolutionRefused(
      `the human task is already resolved by ${humanTask.accepted.actor}`,
    );
  }
  if (!humanTask.decisions.includes(resolution.decision)) {
    throw new ResolutionRefused(
      `${resolution.decision} is not possible here, only ${humanTask.decisions.join(', ')}`,
    );
  }
  return resolution;
}

/** Keeps why a signal was refused where a person can see it. */
export function showRefusal(view: OrderView, error: ResolutionRefused): void {
  const { humanTask } = view;
  if (!humanTask) return;
  humanTask.refusals.push(`${new Date().toISOString()}: ${error.message}`);
  humanTask.refusals.splice(0, humanTask.refusals.length - REFUSALS_KEPT);
  setCurrentDetails(describeTask(view.order, humanTask, view.answer));
}

/** Why a resolution that lost against something else changed nothing. */
export function whyNoTask({ isKnown, order, cancelRequest }: OrderView): string {
  if (!isKnown) return 'no human task is open: the order is being placed';
  if (cancelRequest) return `no human task is open: ${cancelRequest.actor} cancels the order`;
  const by = order.decidedBy ? ` (${order.decision} by ${order.decidedBy})` : '';
  return `no human task is open: the order is ${order.status}${by}`;
}

async function openTask(
  view: OrderView,
  given: {
    decisions: readonly Decision[];
    isClosed: () => boolean;
    resolve: (resolution: Resolution, at: Date) => Promise<OrderState>;
  },
): Promise<void> {
  const { order } = view;
  const task: HumanTask = {
    escalationReason: order.escalationReason ?? 'noAcknowledgement',
    decisions: given.decisions,
    refusals: [],
  };
  view.humanTask = task;
  listTask({
    status: order.status,
    escalationReason: task.escalationReason,
    escalatedAt: new Date(order.escalatedAt ?? Date.now()),
  });
  let shownAnswer = view.answer;
  setCurrentDetails(describeTask(order, task, shownAnswer));

  while (!given.isClosed() && !task.accepted) {
    const isFull = () => workflowInfo().continueAsNewSuggested && allHandlersFinished();
    await condition(
      () =>
        given.isClosed() || task.accepted !== undefined || view.answer !== shownAnswer || isFull(),
    );
    if (view.answer !== shownAnswer) {
      shownAnswer = view.answer;
      setCurrentDetails(describeTask(order, task, shownAnswer));
    } else if (!given.isClosed() && !task.accepted && isFull()) {
      await continueAsNew<typeof dispatchOrder>(view.input);
    }
  }
  if (task.accepted && given.isClosed()) task.won = false;
  else if (task.accepted) {
    const at = new Date();
    const after = await given.resolve(task.accepted, at);
    view.takeResult(after);
    task.won = after.decidedAt === at.toISOString() && after.decidedBy === task.accepted.actor;
  }
  view.humanTask = undefined;
  unlistTask();
  setCurrentDetails('');
}
