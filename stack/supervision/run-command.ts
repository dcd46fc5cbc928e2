import { once } from 'node:events';
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { OrderDispatchError } from '../../domain/errors';
import { StackError } from '../stack-error';
import { onStopSignal, type StopSignal } from './stop-signals';

/**
 * A command's life: does its work and exits with the code that it returns; with 1 and one line where
 * the work fails, 2 where the command line is wrong. On Ctrl-C or SIGTERM the work's signal is aborted,
 * and a work that ends with an error then has ended by that signal.
 */
export function runCommand(name: string, work: (stop: AbortSignal) => Promise<number>): void {
  const stop = new AbortController();
  onStopSignal((signal) => stop.abort(signal));
  void work(stop.signal)
    .catch((error: unknown) => {
      // Commander has written its message.
      if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
      if (stop.signal.aborted) return 128 + constants.signals[stop.signal.reason as StopSignal];
      const isClear = error instanceof StackError || error instanceof OrderDispatchError;
      console.error(isClear ? `${name}: ${error.message}` : error);
      return 1;
    })
    // At once: a start that was given up may have left a connection that is still waiting.
    .then((code) => process.exit(code));
}

/** Waits until the command is told to stop, and keeps the process alive until then. */
export async function untilStopped(stop: AbortSignal): Promise<void> {
  // A promise alone does not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  if (!stop.aborted) await once(stop, 'abort');
  clearInterval(alive);
}

/** Does the work; rejects if the signal is aborted before that is done, with its reason if that is an error. */
export async function unlessStopped<Result>(
  stop: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  stop.throwIfAborted();
  const ended = new AbortController();
  const stopped = once(stop, 'abort', { signal: ended.signal }).then(() => {
    throw stop.reason instanceof Error ? stop.reason : new StackError('told to stop');
  });
  try {
    return await Promise.race([work(), stopped]);
  } finally {
    stopped.catch(() => undefined);
    ended.abort();
  }
}
