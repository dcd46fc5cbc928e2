import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { CompleteAsyncError } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { isDatabaseUnavailable } from '../database/fault';
import { OrderDispatchError, type ErrorCode } from '../domain/errors';

/** What no retry can mend. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'InvalidOrder',
  'InvalidPolicy',
  'OrderConflict',
  // The row is gone: the workflow begins again from its copy.
  'OrderNotFound',
]);

/**
 * Turns what an activity throws into what Temporal may keep: our errors by their code, all else by
 * its kind only, since a database's message may quote the order.
 */
export const failuresWithoutPersonalData: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        throw toFailure(error);
      }
    },
  },
});

function toFailure(error: unknown): unknown {
  if (error instanceof TemporalFailure || error instanceof CompleteAsyncError) return error;
  if (error instanceof OrderDispatchError) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: FINAL.has(error.code),
    });
  }
  if (isDatabaseUnavailable(error)) {
    return ApplicationFailure.retryable(
      'the order database is not available',
      'DatabaseUnavailable',
    );
  }
  const { name, code } = error as { name?: string; code?: unknown };
  const kind = typeof code === 'string' ? `${name} ${code}` : (name ?? 'unknown error');
  return ApplicationFailure.retryable(`unforeseen: ${kind}`, name ?? 'Error');
}
