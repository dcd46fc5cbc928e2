import { setTimeout as delay } from 'node:timers/promises';
import type { HumanTaskRow } from '../domain/human-task';
import type { CancelRequest } from '../domain/resolution';
import type { OrderResult } from '../domain/workflow-contract';
import { listHumanTasks } from '../database/orders/human-tasks';
import { refuseUnknownOrder } from './known-order';
import { withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import type { OperatorSession } from './operator-session';
import { waitWithin } from './within';

/** How a cancellation stands: over, or under way, and then perhaps with a task that waits for a person. */
export type Cancellation =
  { isOver: true; result: OrderResult } | { isOver: false; task: HumanTaskRow | null };

/** How often to look whether a person has to decide, in ms. */
const LOOK_EVERY_MS = 250;

/**
 * Cancels an order, and waits a while for its end, or until a person has to decide; it goes on without
 * us.
 *
 * @throws OrderNotFound; TooLateToCancel where a courier is on the way; DispatchUnavailable.
 */
export async function cancelOrder(
  session: OperatorSession,
  urls: OperatorDatabaseUrls,
  given: { orderId: string; request: CancelRequest; waitMs: number },
): Promise<Cancellation> {
  const { orderId, request, waitMs } = given;
  await refuseUnknownOrder(session, urls, orderId);
  const findTask = async () => {
    const filter = { about: orderId, kind: 'withdrawal' as const };
    const [task] = await withOperatorDatabases(urls, ({ orders }) =>
      listHumanTasks(orders, { filter, limit: 1 }),
    );
    return task ?? null;
  };
  const waited = await waitWithin(
    (over) =>
      session.connection.withAbortSignal(over, () =>
        session.orders.getOrder(orderId).cancel(request),
      ),
    {
      waitMs,
      until: async (over) => {
        while (!over.aborted) {
          await delay(LOOK_EVERY_MS);
          // A database that is away tells nothing, and the cancellation goes on.
          if (await findTask().catch(() => null)) return true;
        }
        return false;
      },
    },
  );
  return waited.isOver ? waited : { isOver: false, task: await findTask().catch(() => null) };
}
