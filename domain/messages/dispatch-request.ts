import { z } from 'zod';

/** AMQP `type`, and routing key, of a request for a dispatch. */
export const DISPATCH_REQUEST_TYPE = 'dispatch.request.v1';

/**
 * Body of a request for a dispatch. The order is whole, so that the supplement system can insert it,
 * and is carried as it was hashed: a consumer neither refuses its unknown fields nor drops them.
 */
export const dispatchRequestSchema = z.object({
  requestId: z.string().min(1).max(128),
  orderId: z.string().min(1).max(64),
  /** From then on the dispatch system rejects the request (`expired`). */
  dispatchBy: z.iso.datetime({ offset: true }),
  contentHash: z.string().min(1).max(128),
  order: z.record(z.string(), z.unknown()),
  /** How hard the order is tried, for an order that is inserted from this copy. */
  policy: z.record(z.string(), z.unknown()).optional(),
});

/** A request for a dispatch. */
export type DispatchRequest = z.infer<typeof dispatchRequestSchema>;
