/** How long a lag is worth telling after it was seen, in ms. */
const TOLD_FOR_MS = 5 * 60_000;

/** How late this process comes to compare copies: they wait in their queue, or for its databases. */
export class CopyLag {
  private last: { lagMs: number; seenAt: number } | undefined;

  /**
   * @param lagMs how much older a copy was than the grace when it was compared.
   */
  saw(lagMs: number): void {
    this.last = { lagMs, seenAt: Date.now() };
  }

  /** Of the newest copy, in ms; `undefined` where the last minutes had none. */
  recent(): number | undefined {
    if (!this.last || Date.now() - this.last.seenAt > TOLD_FOR_MS) return undefined;
    return this.last.lagMs;
  }
}
