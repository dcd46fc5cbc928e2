import { setTimeout as delay } from 'node:timers/promises';

/** Workflows that are told before it is asked whether the workers keep up. */
const AT_ONCE = 4;

/** How often it is asked while they do not, in ms. */
const LOOK_EVERY_MS = 50;

/** The longest pause, in ms: what waits is told however busy the workers are. */
const LONGEST_PAUSE_MS = 1_000;

/**
 * Gives those their turn who wake a workflow, while the workers keep up. After an outage hundreds of
 * answers come at once; a new order's first task would wait behind all the tasks that they make.
 *
 * @param isBehind whether workflow tasks wait for a worker.
 * @returns what resolves when it is one's turn, or the signal aborts; never rejects.
 */
export function paceTelling(
  isBehind: () => Promise<boolean>,
): (closing?: AbortSignal) => Promise<void> {
  let left = AT_ONCE;
  let last = Promise.resolve();
  const nextTurn = async (closing: AbortSignal | undefined) => {
    if (left === 0) {
      const until = Date.now() + LONGEST_PAUSE_MS;
      // Where it cannot be asked, nobody can be told either: that has its own way to fail.
      const look = () => isBehind().catch(() => false);
      while (!closing?.aborted && Date.now() < until && (await look())) {
        await delay(LOOK_EVERY_MS);
      }
      left = AT_ONCE;
    }
    left -= 1;
  };
  return (closing) => (last = last.then(() => nextTurn(closing)));
}
