import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Order } from './order';

/**
 * What tells two orders with one ID apart: the SHA-256 (hex) of the RFC 8785 JSON of the parsed
 * order. Not for workflow code, which cannot reach `node:crypto`.
 */
export function contentHash(order: Order): string {
  return createHash('sha256')
    .update(canonicalize(order) ?? '')
    .digest('hex');
}
