/** The pause before retry `retry`, of which the first is 1, in ms: the first pause, doubled each time up to the longest. */
export function retryPauseMs(
  retry: number,
  { initialMs, maximumMs }: { initialMs: number; maximumMs: number },
): number {
  return Math.min(maximumMs, initialMs * 2 ** Math.min(retry - 1, 20));
}
