import { Context } from '@temporalio/activity';
import { setTimeout as delay } from 'node:timers/promises';
import {
  endHold,
  findUnansweredSince,
  isHeld,
  markTold,
  releaseOrders,
} from '../database/orders/holds';
import type { ReleaseHoldInput, ReleasedSignal } from '../domain/hold';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { signalIfRunning } from '../temporal/order-workflows';
import type { ActivityDependencies } from './dependencies';

const LOOK_EVERY_MS = 250;

/** How long one activity releases orders before the next one goes on, in ms. */
const BATCH_MS = 30_000;

const TICK_MS = 1_000;

/** What became of a canary. */
export interface CanaryResult {
  released: number;
  /** Then the hold is still in force. */
  unanswered: string[];
}

/** How far one activity came. */
export interface BatchResult {
  released: number;
  /** Nobody waits any more. */
  isDone: boolean;
  isHeldAgain: boolean;
}

/** The activities of `releaseHold`. Each may run twice: an order that was told of its release stays released. */
export function createHoldActivities({
  database,
  temporal,
}: Pick<ActivityDependencies, 'database' | 'temporal'>) {
  /** @returns the orders that were released, and those of them that go on. */
  async function releaseNext(holdId: number, limit: number) {
    const { orderIds, waiting } = await releaseOrders(database, { holdId, limit });
    await Promise.all(
      waiting.map(({ orderId, dispatchBy }) => {
        const argument: ReleasedSignal = { holdId, dispatchBy: dispatchBy.toISOString() };
        const workflowId = dispatchOrderWorkflowId(orderId);
        // Of one whose workflow is gone the sweep takes care: it begins anew, and is not held.
        return signalIfRunning(temporal, { workflowId, signal: SIGNALS.released, argument });
      }),
    );
    await markTold(database, { holdId, orderIds });
    return { released: orderIds.length, waiting: waiting.map(({ orderId }) => orderId) };
  }

  return {
    /**
     * Releases a few orders, while the hold stays in force for all others, and waits until they are
     * answered. Then it ends the hold.
     *
     * @returns how many were released, and which of them nobody answered: then the hold stays.
     */
    async releaseCanary({
      holdId,
      canary,
      canaryWithinMs,
    }: Pick<ReleaseHoldInput, 'holdId' | 'canary' | 'canaryWithinMs'>): Promise<CanaryResult> {
      const since = new Date();
      const { released, waiting } = await releaseNext(holdId, canary);
      let unanswered = waiting;
      while (unanswered.length > 0 && Date.now() < since.getTime() + canaryWithinMs) {
        await beat(LOOK_EVERY_MS);
        unanswered = await findUnansweredSince(database, { orderIds: unanswered, since });
      }
      if (unanswered.length === 0) await endHold(database, holdId);
      return { released, unanswered };
    },

    /** Releases orders for a while, no faster than that. */
    async releaseHeld({
      holdId,
      ratePerSecond,
    }: Pick<ReleaseHoldInput, 'holdId' | 'ratePerSecond'>): Promise<BatchResult> {
      const until = Date.now() + BATCH_MS;
      let released = 0;
      while (Date.now() < until) {
        const begun = Date.now();
        if (await isHeld(database)) return { released, isDone: false, isHeldAgain: true };
        const page = await releaseNext(holdId, ratePerSecond);
        released += page.released;
        if (page.released === 0) return { released, isDone: true, isHeldAgain: false };
        // From this page on: to make up for a standstill would be too fast.
        await beat(Math.max(0, begun + TICK_MS - Date.now()));
      }
      return { released, isDone: false, isHeldAgain: false };
    },
  };
}

/** Pauses, and tells the server that the activity is alive; ends with the activity. */
async function beat(ms: number): Promise<void> {
  const context = Context.current();
  context.heartbeat();
  await delay(ms, undefined, { signal: context.cancellationSignal });
}
