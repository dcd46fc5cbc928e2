/** Takes one line for the person who waits. */
export type Progress = (line: string) => void;

/** Does a step, and reports it with its duration when it is done. */
export async function timed<T>(
  progress: Progress,
  what: string,
  step: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const result = await step();
  progress(`${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}
