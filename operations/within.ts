/** What came of waiting: what was waited for, or that it takes longer. */
export type Waited<Result> = { isOver: true; result: Result } | { isOver: false };

/**
 * Waits for something for a while, and then lets it go on by itself.
 *
 * @param work gets a signal to stop asking with, once nobody waits any more.
 * @param options.until ends the waiting sooner, once it resolves to true.
 */
export async function waitWithin<Result>(
  work: (over: AbortSignal) => Promise<Result>,
  { waitMs, until }: { waitMs: number; until?: (over: AbortSignal) => Promise<boolean> },
): Promise<Waited<Result>> {
  const over = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const timer = setTimeout(() => over.abort(), waitMs);
  const result = work(over.signal).then((value) => ({ isOver: true as const, result: value }));
  // Once nobody waits for it, it fails because it was told to stop.
  result.catch(() => {});
  const sooner = until?.(over.signal).then((isSooner) => (isSooner ? undefined : aborted));
  try {
    return await Promise.race([
      result,
      aborted.then(() => ({ isOver: false as const })),
      ...(sooner ? [sooner.then(() => ({ isOver: false as const }))] : []),
    ]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
