import { createHash, randomBytes } from 'node:crypto';

/**
 * A W3C `traceparent` for a message about an order. The trace ID is derived from the order ID, so
 * that every message about it, by whichever process and after whichever crash, is in one trace.
 */
export function traceparentOf(orderId: string): string {
  const traceId = createHash('sha256').update(orderId).digest('hex').slice(0, 32);
  return `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
}
