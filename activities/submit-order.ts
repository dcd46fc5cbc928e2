import { insertOrRead } from '../database/orders/record-order';
import { contentHash } from '../domain/content-hash';
import { parseOrder } from '../domain/order';
import type { OrderProgress } from '../domain/order-state';
import type { AcknowledgedSignal, DispatchOrderInput } from '../domain/workflow-contract';
import { effectivePolicy, parsePolicyOverrides, type Policy } from '../domain/policy';
import { requestIdOf } from '../domain/request-id';
import { dispatchRequestMessage } from '../messaging/messages';
import { crashPoint } from '../runtime/crash-point';
import { isApplied, isToBeSent } from '../domain/order-state';
import type { ActivityDependencies } from './dependencies';

/** What {@link createSubmitActivities}' `submitOrder` found. */
export interface Submission extends OrderProgress {
  contentHash: string;
  /** When the broker confirmed the request, if the quick path sent it and had no answer in time. */
  confirmedAt?: string;
}

/** The activities at the start of `dispatchOrder`, run as local activities in its first task. */
export function createSubmitActivities(dependencies: ActivityDependencies) {
  const { database, publisher, quickPath, defaultPolicy, replyKey } = dependencies;

  return {
    /**
     * Validates and records the order and, where the quick path is open, publishes its request and
     * waits one short window for the answer. Never waits for a broker that is away.
     *
     * @param input.startedAt when the workflow started, ISO 8601: the deadline counts from then.
     */
    async submitOrder(input: DispatchOrderInput & { startedAt: string }): Promise<Submission> {
      dependencies.sawFirstTask(Date.now() - Date.parse(input.startedAt));
      const order = parseOrder(input.order);
      const policy = effectivePolicy(defaultPolicy, parsePolicyOverrides(input.policy ?? {}));
      const hash = contentHash(order);
      const wait =
        policy.quickWindowMs > 0 && publisher.available
          ? quickPath.enter(order.orderId)
          : undefined;
      try {
        const dispatchBy = new Date(
          Date.parse(input.startedAt) + policy.dispatchWithinMs,
        ).toISOString();
        const progress = await insertOrRead(
          database,
          {
            order,
            contentHash: hash,
            policy,
            dispatchBy,
            ...(input.requestNumber && {
              requestNumber: input.requestNumber,
              mayBeRestored: true,
            }),
          },
          { attempt: wait !== undefined },
        );
        if (!wait || !isToBeSent(progress)) return { ...progress, contentHash: hash };

        crashPoint('quickPath.afterInsert');
        const { requestNumber } = progress.order;
        const requestId = requestIdOf(order.orderId, requestNumber);
        let confirmedAt: string | undefined;
        void publisher
          .publish(
            dispatchRequestMessage(
              {
                requestId,
                orderId: order.orderId,
                dispatchBy: progress.order.dispatchBy,
                contentHash: hash,
                order,
                policy: progress.policy,
              },
              replyKey(),
            ),
          )
          .then(() => {
            confirmedAt = new Date().toISOString();
            crashPoint('quickPath.afterPublish');
          }, wait.leave);
        const signal = await wait.answer(progress.policy.quickWindowMs);
        return {
          ...(signal ? answered(progress, signal) : progress),
          contentHash: hash,
          ...(!signal && confirmedAt && { confirmedAt }),
        };
      } finally {
        wait?.leave();
      }
    },

    /** The policy that applies where `submitOrder` failed: without I/O. */
    policyFor(input: Pick<DispatchOrderInput, 'policy'>): Promise<Policy> {
      return Promise.resolve(
        effectivePolicy(defaultPolicy, parsePolicyOverrides(input.policy ?? {})),
      );
    },
  };
}

function answered(progress: OrderProgress, signal: AcknowledgedSignal): OrderProgress {
  const { answer, order = progress.order } = signal;
  return { ...progress, order, ...(isApplied(signal) && { answer }) };
}
