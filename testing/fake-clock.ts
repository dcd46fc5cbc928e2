/** Time that stands still until it is moved. */
export class FakeClock {
  private readonly timers = new Set<{ at: number; fire: () => void }>();

  /** @param nowMs where it begins, in ms since 1970. */
  constructor(private nowMs: number) {}

  /** In ms since 1970. */
  get now(): number {
    return this.nowMs;
  }

  /** The same as ISO 8601, so many ms later. */
  iso(laterMs = 0): string {
    return new Date(this.nowMs + laterMs).toISOString();
  }

  /** Fires once the time is `at`, in ms since 1970; what comes back keeps it from that. */
  schedule(at: number, fire: () => void): () => void {
    const timer = { at, fire };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Moves the time on, in ms, and lets everything happen that falls into it, in its order. */
  async advance(ms: number): Promise<void> {
    const until = this.nowMs + ms;
    for (;;) {
      // Who waits for something that has happened goes on first, and may schedule more.
      await Promise.resolve();
      const [next] = [...this.timers].sort((one, other) => one.at - other.at);
      if (!next || next.at > until) break;
      this.timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.at);
      next.fire();
    }
    this.nowMs = until;
  }
}
