import type { ReadOrderInput, OrderStatusView } from '../domain/workflow-contract';
import { statusViewOf } from '../domain/status-view';
import { readOrderRow } from './activities';

/**
 * Reads where an order stands by its row alone, for whoever speaks to Temporal only and asks about an
 * order whose own workflow Temporal has removed. It changes nothing.
 */
export async function readOrder({ orderId }: ReadOrderInput): Promise<OrderStatusView> {
  return statusViewOf(await readOrderRow({ orderId }));
}
