import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  log,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import { ResolutionRefused, TooLateToCancel } from '../domain/errors';
import { readAcknowledged, readReleased, readRequestDeadLettered } from '../domain/signals';
import type { OrderResult, OrderStatusView } from '../domain/workflow-contract';
import {
  parseCancelRequest,
  parseCancelRequestAsBefore,
  type CancelRequest,
} from '../domain/resolution';
import { QUERIES, SIGNALS, UPDATES } from '../domain/temporal-names';
import {
  acceptResolution,
  checkResolution,
  parseAsAccepted,
  showRefusal,
  type TaskOwner,
} from './human-task';
import type { OrderView } from './order-view';

const resolveSignal = defineSignal<[unknown]>(SIGNALS.resolve);
const cancelUpdate = defineUpdate<OrderResult, [CancelRequest]>(UPDATES.cancel);
const NOT_FOR_PEOPLE = { description: 'Not for people: the service sends it to itself.' };
const RESOLVES = { description: 'Resolves the human task: see the current details.' };
const statusQuery = defineQuery<OrderStatusView>(QUERIES.status);

/** Listens to all that can be said to the workflow; before anything else, so that nothing is missed. */
export function handleMessages(view: OrderView): void {
  handleOurSignal(SIGNALS.acknowledged, readAcknowledged, (signal) => view.takeSignal(signal));
  handleOurSignal(SIGNALS.requestDeadLettered, readRequestDeadLettered, ({ requestId }) => {
    view.deadLetters.add(requestId);
  });

  handleOurSignal(SIGNALS.released, readReleased, (signal) => view.takeRelease(signal));

  handleResolutions(view, () => view.order);

  setHandler(
    cancelUpdate,
    async (input) => {
      // A second cancellation joins the first.
      view.cancelRequest ??= parseAsAccepted(input, parseCancelRequest, parseCancelRequestAsBefore);
      await condition(() => view.cancelRequest === undefined);
      if (view.order.status === 'cancelled') return view.result;
      const { message, code } = new TooLateToCancel(
        `order ${view.order.orderId} is dispatched with courier ${view.order.courierId}`,
      );
      throw ApplicationFailure.nonRetryable(message, code);
    },
    {
      description: 'Cancels the order: {"actor", "note"}.',
      validator: (input) => void parseCancelRequest(input),
    },
  );

  // Temporal's own cancellation of the workflow is a cancellation of the order.
  CancellationScope.current().cancelRequested.catch(() => {
    view.cancelRequest ??= { actor: 'temporal', note: 'the workflow was cancelled' };
  });
}

/** Answers where the order stands, once there is something to say. */
export function answerStatus(view: OrderView): void {
  setHandler(statusQuery, () => view.status);
}

/** Takes a signal of the service's own. One that is malformed changes nothing: it is somebody else's. */
export function handleOurSignal<Argument>(
  name: string,
  read: (argument: unknown) => Argument | undefined,
  take: (argument: Argument) => void,
): void {
  setHandler(
    defineSignal<[unknown]>(name),
    (sent) => {
      const argument = read(sent);
      if (argument) take(argument);
      else log.warn('a malformed signal changes nothing', { signal: name });
    },
    NOT_FOR_PEOPLE,
  );
}

/** Takes resolutions of the owner's human task, by signal and by the update, which answers. */
export function handleResolutions(owner: TaskOwner, answer: () => unknown): void {
  setHandler(
    resolveSignal,
    (input) => {
      try {
        acceptResolution(owner, input);
      } catch (error) {
        if (!(error instanceof ResolutionRefused)) throw error;
        showRefusal(owner, error);
      }
    },
    RESOLVES,
  );
  setDefaultSignalHandler((name) => {
    log.warn('an unknown signal changes nothing', { signal: name });
    showRefusal(
      owner,
      new ResolutionRefused(`there is no signal '${name}': send ${SIGNALS.resolve}`),
    );
  });

  setHandler(
    defineUpdate<unknown, [unknown]>(UPDATES.resolve),
    async (input) => {
      const task = acceptResolution(owner, input);
      await condition(() => task.won !== undefined);
      if (task.won) return answer();
      throw ApplicationFailure.nonRetryable(owner.whyNoTask(), 'ResolutionRefused');
    },
    { ...RESOLVES, validator: (input) => void checkResolution(owner, input) },
  );
}
