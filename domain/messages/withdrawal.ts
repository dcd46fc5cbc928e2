import { z } from 'zod';

/** AMQP `type`, and routing key, of a withdrawal. */
export const WITHDRAWAL_TYPE = 'dispatch.withdraw.v1';

/** Body of the message that takes an order back for good. */
export const withdrawalSchema = z.object({
  requestId: z.string().min(1).max(128),
  orderId: z.string().min(1).max(64),
  note: z.string().optional(),
});

/** The message that takes an order back for good. */
export type Withdrawal = z.infer<typeof withdrawalSchema>;
