import {
  NamespaceNotFoundError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  isGrpcServiceError,
} from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure, ValueError } from '@temporalio/common';
import {
  ConnectionClosed,
  DispatchUnavailable,
  InvalidConfiguration,
  InvalidOrder,
  InvalidPolicy,
  OrderConflict,
  OrderDispatchError,
  OrderNotFound,
  OrderUnsettled,
  ResolutionRefused,
  TooLateToCancel,
  Unexpected,
} from '../domain/errors';
import { isTemporalUnavailable } from '../temporal/fault';

/** A gRPC code; in a set, since the SDK's type of codes is not ours. */
const FAILED_PRECONDITION: ReadonlySet<number> = new Set([9]);

/**
 * Turns what Temporal's client throws into our errors, each with a code.
 *
 * @param orderId what an OrderNotFound or an OrderConflict is about.
 */
export function translateError(error: unknown, orderId = ''): OrderDispatchError {
  if (error instanceof OrderDispatchError) return error;
  if (error instanceof WorkflowNotFoundError) return new OrderNotFound(orderId);
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return translateFailure(error.cause, orderId) ?? unsettled(error, orderId);
  }
  if (isNamespaceMissing(error)) {
    const { message } = error as Error;
    return new InvalidConfiguration(
      `${message}: check the namespace (\`namespace\`, --namespace or TEMPORAL_NAMESPACE) and the address; \`temporal operator namespace list\` lists what is there`,
      { cause: error },
    );
  }
  if (isClosed(error)) {
    return new ConnectionClosed('the connection to Temporal is closed: connect anew', {
      cause: error,
    });
  }
  if (
    isTemporalUnavailable(error) ||
    error instanceof QueryNotRegisteredError ||
    isWithoutWorker(error) ||
    isConnectTimeout(error)
  ) {
    return new DispatchUnavailable(
      `Temporal did not answer: is it up, are address and namespace right, and does a worker run? (${(error as Error).message})`,
      { cause: error },
    );
  }
  if (error instanceof ValueError) {
    return new InvalidConfiguration(
      `${error.message}: payloads are encoded; give their codec (\`dataConverter\`, --codec-module or ORDER_DISPATCH_CODEC_MODULE)`,
      { cause: error },
    );
  }
  return new Unexpected(error);
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

/** A query is a failed precondition where no worker has asked for work for a while. */
function isWithoutWorker(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && FAILED_PRECONDITION.has(cause.code);
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

/** What ended a workflow that should have settled its order. */
function unsettled(error: Error, orderId: string): OrderUnsettled {
  const { cause } = error;
  const failure = cause instanceof Error ? cause : error;
  return new OrderUnsettled(orderId, { how: howItEnded(failure), cause: error });
}

function howItEnded(failure: Error): string {
  if (failure instanceof TerminatedFailure) return 'was terminated';
  // What the server says of an update whose workflow is over: not how it ended.
  const isEarly =
    failure instanceof ApplicationFailure && failure.type === 'AcceptedUpdateCompletedWorkflow';
  return isEarly
    ? 'was ended before it had answered'
    : `ended without an outcome (${failure.message})`;
}

const CLOSED =
  /channel has been shut down|(client|connection) (is|was) closed|already closed|native promise was dropped/i;

/** In the words of the SDK, or of the server itself where no class of the SDK's stands for it. */
function isNamespaceMissing(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  return isGrpcServiceError(error) && /namespace .*not found/i.test(error.message);
}

/** What the ways to Temporal, gRPC and the SDK's core, throw once they are closed, and of what is under way then. */
function isClosed(error: unknown): boolean {
  for (let next = error; next instanceof Error; next = next.cause) {
    if (CLOSED.test(next.message)) return true;
  }
  return false;
}
