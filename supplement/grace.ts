import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingMessage } from '../messaging/incoming-message';

/**
 * The time that an order gets to come in order by itself: nobody looks at what a message says before
 * the message is older than this.
 */
export class Grace {
  constructor(
    private readonly graceMs: number,
    private readonly closing: AbortSignal,
  ) {
    // Every message that waits listens to it.
    setMaxListeners(0, closing);
  }

  /**
   * Waits until the message is older than the grace; rejects when the supplement system closes.
   *
   * @returns how much older it was when it came, in ms.
   */
  async passed(message: Pick<IncomingMessage, 'timestampMs'>): Promise<number> {
    const now = Date.now();
    // AMQP's timestamps are cut to the second, so it may be almost a second younger than it says.
    const publishedMs = message.timestampMs + 1_000;
    // It came after it was published, so this is enough where it says nothing, or its clock is ahead.
    const publishedAtLatestMs = message.timestampMs > 0 ? Math.min(publishedMs, now) : now;
    const remainingMs = publishedAtLatestMs + this.graceMs - now;
    await delay(Math.max(0, remainingMs), undefined, { signal: this.closing });
    return Math.max(0, -remainingMs);
  }
}
