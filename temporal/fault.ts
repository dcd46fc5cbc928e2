import { isGrpcServiceError } from '@temporalio/client';

/** gRPC codes that say that Temporal, not the call, is at fault. */
const CODES: ReadonlySet<number> = new Set([
  1, // cancelled
  2, // unknown
  4, // deadline exceeded
  8, // resource exhausted
  10, // aborted
  13, // internal
  14, // unavailable
]);

/** Whether an error says that Temporal could not be reached or could not serve just now. */
export function isTemporalUnavailable(error: unknown): boolean {
  for (let next = error; next instanceof Error; next = next.cause) {
    if (isGrpcServiceError(next) && CODES.has(next.code)) return true;
  }
  return false;
}
