import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import { ResolutionRefused, TooLateToCancel } from '../domain/errors';
import type {
  AcknowledgedSignal,
  OrderResult,
  OrderState,
  OrderStatusView,
} from '../domain/order-state';
import { parseCancelRequest, type CancelRequest, type Resolution } from '../domain/resolution';
import { QUERIES, SIGNALS, UPDATES } from '../domain/temporal-names';
import { checkResolution, showRefusal, whyNoTask } from './human-task';
import type { OrderView } from './order-view';

const acknowledgedSignal = defineSignal<[AcknowledgedSignal]>(SIGNALS.acknowledged);
const resolveSignal = defineSignal<[unknown]>(SIGNALS.resolve);
const resolveUpdate = defineUpdate<OrderState, [Resolution]>(UPDATES.resolve);
const cancelUpdate = defineUpdate<OrderResult, [CancelRequest]>(UPDATES.cancel);
const statusQuery = defineQuery<OrderStatusView>(QUERIES.status);

/** Listens to all that can be said to the workflow; before anything else, so that nothing is missed. */
export function handleMessages(view: OrderView): void {
  setHandler(acknowledgedSignal, (signal) => view.takeSignal(signal));

  setHandler(resolveSignal, (input) => {
    try {
      accept(view, checkResolution(view, input));
    } catch (error) {
      if (!(error instanceof ResolutionRefused)) throw error;
      showRefusal(view, error);
    }
  });

  setHandler(
    resolveUpdate,
    async (input) => {
      const task = accept(view, checkResolution(view, input));
      await condition(() => task.won !== undefined);
      if (!task.won) {
        throw ApplicationFailure.nonRetryable(whyNoTask(view), 'ResolutionRefused');
      }
      return view.order;
    },
    { validator: (input) => void checkResolution(view, input) },
  );

  setHandler(
    cancelUpdate,
    async (input) => {
      // A second cancellation joins the first.
      view.cancelRequest ??= parseCancelRequest(input);
      await condition(() => view.cancelRequest === undefined);
      if (view.order.status === 'cancelled') return view.result;
      const { message, code } = new TooLateToCancel(
        `order ${view.order.orderId} is dispatched with courier ${view.order.courierId}`,
      );
      throw ApplicationFailure.nonRetryable(message, code);
    },
    { validator: (input) => void parseCancelRequest(input) },
  );

  setHandler(statusQuery, () => view.status);

  // Temporal's own cancellation of the workflow is a cancellation of the order.
  CancellationScope.current().cancelRequested.catch(() => {
    view.cancelRequest ??= { actor: 'temporal', note: 'the workflow was cancelled' };
  });
}

function accept(view: OrderView, resolution: Resolution): NonNullable<OrderView['humanTask']> {
  const { humanTask } = view;
  if (!humanTask) throw new ResolutionRefused(whyNoTask(view));
  humanTask.accepted = resolution;
  return humanTask;
}
