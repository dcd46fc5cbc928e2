import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Order } from '../../client';
import type { NaiveActivities } from './activities';

/** The consumer's word that a courier is on the way. */
export const acknowledged = defineSignal<[courierId: string]>('acknowledged');

const { recordOrder, publishRequest, markDispatched } = proxyActivities<NaiveActivities>({
  startToCloseTimeout: '10 s',
});

/** Dispatches an order as samples do it: an activity for each step, and a signal that races a timer. */
export async function naiveDispatch(order: Order): Promise<void> {
  let courierId: string | undefined;
  setHandler(acknowledged, (id) => {
    courierId = id;
  });
  await recordOrder(order);
  for (;;) {
    await publishRequest(order);
    if (await condition(() => courierId !== undefined, '30 s')) break;
  }
  await markDispatched(order.orderId, courierId ?? '');
}
