import { prismaOf, type OrdersDatabase } from './connection';

/** An order's row as an operator sees it: with what the customer bought, which is personal. */
export type OrderOverview = NonNullable<Awaited<ReturnType<typeof readOrderOverview>>>;

/** Reads an order's row for an operator; null where there is none. */
export function readOrderOverview(database: OrdersDatabase, orderId: string) {
  return prismaOf(database).order.findUnique({
    where: { orderId },
    select: {
      order: true,
      status: true,
      requestNumber: true,
      attempts: true,
      dispatchBy: true,
      courierId: true,
      dispatchedBy: true,
      rejectionCode: true,
      decision: true,
      decidedBy: true,
      decisionNote: true,
      decidedAt: true,
      createdAt: true,
      updatedAt: true,
      erasedAt: true,
    },
  });
}
