import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until the answer is yes.
 *
 * @throws after `timeoutMs`: something is stuck, and would be for ever.
 */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean>,
  options: { everyMs: number; timeoutMs: number },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${options.timeoutMs / 1000} s`);
    }
    await sleep(options.everyMs);
  }
}
