/** How much longer than the quickest an order waits before first tasks are late, in ms. */
const LATE_MS = 300;

/** How long what was seen says something about now, in ms. */
const NOW_MS = 1_000;

/** How long the quickest one is remembered, in ms: clocks are set now and then. */
const REMEMBERED_MS = 10 * 60_000;

/**
 * How long new orders wait for their first task. Workflow tasks wait where nobody counts them: for a
 * poller, for a worker's thread, for its database. So it is measured at the end of it all, against the
 * quickest of late: the clock of Temporal's server may be another than ours.
 */
export class FirstTasks {
  private last = { waitedMs: 0, at: -Infinity };
  private quickest = { waitedMs: Infinity, at: -Infinity };

  /** Takes how long an order waited, in ms. */
  saw(waitedMs: number): void {
    const at = performance.now();
    this.last = { waitedMs, at };
    const isQuicker = waitedMs < this.quickest.waitedMs;
    if (isQuicker || at - this.quickest.at > REMEMBERED_MS) this.quickest = { waitedMs, at };
  }

  /** Whether the newest order waited longer than it should; not where there are no new ones. */
  areLate(): boolean {
    const { waitedMs, at } = this.last;
    return performance.now() - at < NOW_MS && waitedMs - this.quickest.waitedMs > LATE_MS;
  }
}
