import {
  QueryNotRegisteredError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  DispatchUnavailable,
  InvalidOrder,
  InvalidPolicy,
  OrderConflict,
  OrderDispatchError,
  OrderNotFound,
  ResolutionRefused,
  TooLateToCancel,
} from '../domain/errors';
import { isTemporalUnavailable } from '../temporal/fault';

/** Turns what Temporal's client throws into our errors; anything else comes back as it is. */
export function translateError(error: unknown, orderId = ''): unknown {
  if (error instanceof OrderDispatchError) return error;
  if (error instanceof WorkflowNotFoundError) return new OrderNotFound(orderId);
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return translateFailure(error.cause, orderId) ?? error;
  }
  if (
    isTemporalUnavailable(error) ||
    error instanceof QueryNotRegisteredError ||
    isConnectTimeout(error)
  ) {
    return new DispatchUnavailable(
      `Temporal did not answer: is it up, are address and namespace right, and does a worker run? (${(error as Error).message})`,
      { cause: error },
    );
  }
  return error;
}

/**
 * Does something about an order that needs Temporal; what its client throws comes out as our errors.
 *
 * @param orderId what an OrderNotFound or an OrderConflict is about.
 */
export async function translated<Result>(
  orderId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw translateError(error, orderId);
  }
}

/** What `Connection.connect` throws where nothing answers: an Error without a class or a code. */
function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && /Failed to connect before the deadline/.test(error.message);
}

function translateFailure(cause: unknown, orderId: string): OrderDispatchError | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  switch (cause.type) {
    case 'InvalidOrder':
      return new InvalidOrder(cause.message);
    case 'InvalidPolicy':
      return new InvalidPolicy(cause.message);
    case 'OrderConflict':
      return new OrderConflict(orderId);
    case 'OrderNotFound':
      return new OrderNotFound(orderId);
    case 'ResolutionRefused':
      return new ResolutionRefused(cause.message);
    case 'TooLateToCancel':
      return new TooLateToCancel(cause.message);
    default:
      return undefined;
  }
}
