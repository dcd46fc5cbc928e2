import { isGrpcServiceError } from '@temporalio/client';
import type { Fault } from '../domain/fault';

/** gRPC codes that say that Temporal, or who may call it, is at fault and not the call. */
const INFRASTRUCTURE: ReadonlySet<number> = new Set([
  1, // cancelled
  2, // unknown
  4, // deadline exceeded
  7, // permission denied
  8, // resource exhausted
  10, // aborted
  13, // internal
  14, // unavailable
  16, // unauthenticated
]);

/** gRPC codes that say that this very call cannot succeed. */
const MESSAGE: ReadonlySet<number> = new Set([
  3, // invalid argument
  6, // already exists
  11, // out of range
]);

/** Whose fault a failure is that Temporal's server or the way to it reports; `undefined` for others. */
export function temporalFaultOf(error: unknown): Fault | undefined {
  for (let next = error; next instanceof Error; next = next.cause) {
    if (!isGrpcServiceError(next)) continue;
    if (INFRASTRUCTURE.has(next.code)) return 'infrastructure';
    return MESSAGE.has(next.code) ? 'message' : 'unclear';
  }
  return undefined;
}

/** Whether Temporal could not be reached or could not serve just now. */
export function isTemporalUnavailable(error: unknown): boolean {
  return temporalFaultOf(error) === 'infrastructure';
}
