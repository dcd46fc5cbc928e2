import type { Dispatch } from './generated/client';
import type { DispatchTransaction } from './order-transaction';

/** A courier who is on the way for an order. */
export type LiveDispatch = Pick<Dispatch, 'id' | 'courierId' | 'requestId'>;

/** Finds the order's live dispatch; there is at most one. */
export function findLiveDispatch(
  transaction: DispatchTransaction,
  orderId: string,
): Promise<LiveDispatch | null> {
  return transaction.dispatch.findFirst({ where: { orderId, status: 'live' } });
}

/** Assigns a courier. */
export async function insertDispatch(
  transaction: DispatchTransaction,
  dispatch: Pick<Dispatch, 'orderId' | 'requestId' | 'contentHash' | 'courierId'>,
): Promise<void> {
  await transaction.dispatch.create({ data: dispatch });
}

/** Calls the courier back. */
export async function withdrawDispatch(
  transaction: DispatchTransaction,
  { id }: LiveDispatch,
): Promise<void> {
  await transaction.dispatch.update({
    where: { id },
    data: { status: 'withdrawn', updatedAt: new Date() },
  });
}
