import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
} from '@temporalio/workflow';
import { INTERRUPTED, NOT_INTERRUPTED, type Interruption } from '../domain/interruption';

/**
 * Runs a request's activity until its answer comes by signal, the activity finds that there is one
 * already, or the server has no attempt left.
 *
 * @returns what the activity found, or its failure; neither where a signal made it needless.
 */
export async function awaitAnswer<Found>(given: {
  request: (interrupted: Interruption) => Promise<Found>;
  isOver: () => boolean;
}): Promise<{ found?: Found; failure?: ActivityFailure }> {
  const scope = new CancellationScope();
  let ended: { found?: Found; failure?: ActivityFailure } | undefined;
  const attempts = scope
    .run(() => throughShutdowns(given.request))
    .then(
      (found) => void (ended = { found }),
      (error: unknown) => {
        if (isCancellation(error)) return;
        if (!(error instanceof ActivityFailure)) throw error;
        ended = { failure: error };
      },
    );
  await Promise.race([attempts, condition(() => ended !== undefined || given.isOver())]);
  if (!ended || given.isOver()) {
    scope.cancel();
    return ended?.found === undefined ? {} : ended;
  }
  failIfFinal(ended.failure);
  return ended;
}

/** Begins a request anew each time that a worker's shutdown ended it: that uses up no attempt. */
async function throughShutdowns<Found>(
  request: (interrupted: Interruption) => Promise<Found>,
): Promise<Found> {
  for (let interrupted = NOT_INTERRUPTED; ;) {
    try {
      return await request(interrupted);
    } catch (error) {
      const failure = finalFailureOf(error);
      if (failure?.type !== INTERRUPTED) throw error;
      interrupted = failure.details?.[0] as Interruption;
    }
  }
}

/** The type of the failure that an activity says no retry can mend. */
export function finalFailureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.nonRetryable ? cause : undefined;
}

/**
 * Whether an activity failed because the order database is away. A local activity's failure comes as it
 * is, without an `ActivityFailure` around it.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === 'DatabaseUnavailable';
}

/**
 * Fails the workflow where an activity says that nothing can mend it: the order is not valid, or its
 * ID is taken by another one.
 */
export function failIfFinal(error: unknown): void {
  const failure = finalFailureOf(error);
  if (failure) throw ApplicationFailure.nonRetryable(failure.message, failure.type);
}
