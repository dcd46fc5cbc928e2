import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import { deadLetterQueueOf, sourceQueueOf } from '../domain/amqp-names';
import { BrokerUnavailable, MalformedMessage, OrderDispatchError } from '../domain/errors';
import type { Fault } from '../domain/fault';
import type { Logger } from '../runtime/logger';
import { hasDeliberateBug } from '../runtime/deliberate-bug';
import { consumedMessages, failedTries } from '../runtime/metrics';
import { retryPauseMs } from '../runtime/retry-pause';
import { withoutWords } from '../runtime/without-words';
import { toIncomingMessage, type IncomingMessage } from './incoming-message';
import { UnwritableMessage, type Publisher } from './publisher';
import { publishReceived } from './publish-received';

/** How many failures of its own a message may have before it is dead-lettered. */
const MAXIMUM_FAILURES = 5;

/**
 * How long a delivery is held before its message is published to its queue again, in ms. RabbitMQ takes it back
 * after 30 minutes by default (`consumer_timeout`), and counts that as a delivery: through a long outage it would
 * reach the delivery limit.
 */
const HOLD_MAX_MS = 20 * 60_000;

/** Pauses between tries: the first, doubled each time up to the longest, in ms. */
export interface RetryPauses {
  /** @default 1000 */
  initialMs: number;
  /** @default 30000 */
  maximumMs: number;
}

const DEFAULT_PAUSES: RetryPauses = { initialMs: 1_000, maximumMs: 30_000 };

/** How a {@link Consumer} works. */
export interface ConsumerOptions {
  log: Logger;
  /** Publishes dead letters. */
  publisher: Publisher;
  /** Handles one message; when it resolves, its work is committed and the message is acked. */
  handle: (message: IncomingMessage) => Promise<void>;
  /** Whose fault a failure is. */
  faultOf: (error: unknown) => Fault;
  pauses?: RetryPauses;
  /** How long a delivery is held, in ms. @default 1200000 */
  holdMaxMs?: number;
}

/** A queue that is consumed on a channel. */
interface Subscription {
  readonly channel: Channel;
  /** Known once the broker has said it. */
  consumerTag?: string;
  isClosed: boolean;
  /**
   * Aborts when its messages are no longer ours: the channel is closed, or the consumer stops. One for
   * all of them: `AbortSignal.any` for each message would leak in Node 20 (nodejs/node#55351).
   */
  readonly abandon: AbortController;
}

/**
 * Consumes queues so that no message is lost and none blocks the others:
 *
 * | the handler                            | the message                                            |
 * |----------------------------------------|--------------------------------------------------------|
 * | resolves                               | acked                                                  |
 * | fails for want of infrastructure       | held; the whole consumer pauses, then tries again; this never counts |
 * | fails, and it is unclear why           | the same, but it counts if others got through since it failed the last time |
 * | has failed so for 20 minutes           | published to its queue again, confirmed, then acked    |
 * | fails otherwise, up to 4 times         | held alone and tried again after 1, 2, 4, 8 s          |
 * | fails the 5th time, or it is malformed | to `<queue>.dead` with the reason, confirmed, then acked |
 * | is still at work as the channel closes | the broker delivers it again                           |
 */
export class Consumer {
  private readonly stopping = new AbortController();
  private readonly underWay = new Set<Promise<void>>();
  private readonly subscriptions = new Set<Subscription>();
  private readonly pauses: RetryPauses;
  private pause: Promise<void> | undefined;
  private pausesInARow = 0;
  /** Messages that got through. */
  private handled = 0;

  constructor(private readonly options: ConsumerOptions) {
    this.pauses = options.pauses ?? DEFAULT_PAUSES;
  }

  /** Whether the consumer waits for its infrastructure to come back. */
  get paused(): boolean {
    return this.pause !== undefined;
  }

  /**
   * Starts to consume `queue` on a channel. Call it again with the new channel after a reconnect.
   *
   * @param options.deadLetterQueue where it gives messages up to; `<queue>.dead` by default.
   */
  async consume(
    channel: Channel,
    options: { queue: string; deadLetterQueue?: string },
  ): Promise<void> {
    const { queue, deadLetterQueue = deadLetterQueueOf(queue) } = options;
    const subscription: Subscription = { channel, isClosed: false, abandon: new AbortController() };
    // Every message that is held listens to it.
    setMaxListeners(0, subscription.abandon.signal);
    this.subscriptions.add(subscription);
    channel.on('close', () => {
      subscription.isClosed = true;
      subscription.abandon.abort();
      this.subscriptions.delete(subscription);
    });
    const { consumerTag } = await channel.consume(queue, (delivery) => {
      if (delivery === null) {
        // The queue was deleted under us: only a new connection declares it again.
        void channel.close().catch(() => {});
        return;
      }
      const work = this.work({ subscription, delivery, queue, deadLetterQueue });
      this.underWay.add(work);
      void work.finally(() => this.underWay.delete(work));
    });
    subscription.consumerTag = consumerTag;
  }

  /** Takes no more messages and waits for those under way; held ones go back to the broker. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(
      [...this.subscriptions].map(async ({ channel, consumerTag, abandon }) => {
        abandon.abort();
        if (consumerTag === undefined) return;
        // It throws at once where the channel is closed.
        await Promise.resolve()
          .then(() => channel.cancel(consumerTag))
          .catch(() => {});
      }),
    );
    await Promise.all(this.underWay);
  }

  private async work(given: {
    subscription: Subscription;
    delivery: ConsumeMessage;
    queue: string;
    deadLetterQueue: string;
  }): Promise<void> {
    const { subscription, delivery, queue, deadLetterQueue } = given;
    const abandoned = subscription.abandon.signal;
    // A home queue has a name of its own in each process: its messages count as the shared queue's.
    const counted = sourceQueueOf(deadLetterQueue);
    const message = toIncomingMessage(queue, delivery);
    const log = this.options.log.child({ queue, messageId: message.messageId });
    let failures = 0;
    let handledAtUnclearFailure: number | undefined;
    let firstFailedAt: Date | undefined;
    let deadLetter: (() => Promise<void>) | undefined;
    const { holdMaxMs = HOLD_MAX_MS } = this.options;
    const heldSince = Date.now();
    const isAckedBefore = hasDeliberateBug('ackBeforeCommit');
    if (isAckedBefore) subscription.channel.ack(delivery);
    const ack = () => {
      if (!subscription.isClosed && !isAckedBefore) subscription.channel.ack(delivery);
    };
    for (;;) {
      await this.pause;
      if (abandoned.aborted) return;
      try {
        await (deadLetter ?? (() => this.options.handle(message)))();
        this.pausesInARow = 0;
        this.handled += 1;
        ack();
        consumedMessages.inc({ queue: counted, result: deadLetter ? 'deadLettered' : 'acked' });
        return;
      } catch (error) {
        if (abandoned.aborted) return;
        if (Date.now() - heldSince > holdMaxMs && (await this.putBack(delivery, counted, log))) {
          ack();
          return;
        }
        const fault = deadLetter ? 'infrastructure' : this.faultOf(error);
        failedTries.inc({ queue: counted, fault });
        // Where others get through, what failed again is at fault itself: it must not stop them for ever.
        const isProven = this.handled > (handledAtUnclearFailure ?? this.handled);
        if (fault === 'unclear') handledAtUnclearFailure = this.handled;
        if (fault === 'infrastructure' || (fault === 'unclear' && !isProven)) {
          // What it stands on says what it lacks; of all else, nobody knows whom it quotes.
          this.beginPause(fault === 'infrastructure' ? error : withoutWords(error), log);
          continue;
        }
        failures += 1;
        const failedAt = new Date();
        firstFailedAt ??= failedAt;
        if (failures < MAXIMUM_FAILURES && !(error instanceof MalformedMessage)) {
          log.warn({ err: withoutWords(error), failures }, 'message failed: held and tried again');
          await this.wait(failures, abandoned);
          continue;
        }
        const deadLetterReason = describeFailure(error);
        log.error(
          { err: withoutWords(error), failures, deadLetterReason },
          'message given up: dead-lettered',
        );
        const headers = {
          ...delivery.properties.headers,
          deadLetterReason,
          firstFailedAt: firstFailedAt.toISOString(),
          lastFailedAt: failedAt.toISOString(),
          attempts: failures,
          sourceQueue: queue,
        };
        deadLetter = () => this.publishAgain(delivery, deadLetterQueue, headers);
      }
    }
  }

  /** Publishes a message that is held to its durable queue again. @returns whether it is there. */
  private async putBack(delivery: ConsumeMessage, queue: string, log: Logger): Promise<boolean> {
    const headers: Record<string, unknown> = { ...delivery.properties.headers };
    delete headers['x-delivery-count'];
    try {
      await this.publishAgain(delivery, queue, headers);
      return true;
    } catch (error) {
      log.warn({ err: error }, 'the message is held on: it cannot be put back into its queue');
      return false;
    }
  }

  private publishAgain(
    { properties, content }: ConsumeMessage,
    routingKey: string,
    headers: Record<string, unknown>,
  ): Promise<void> {
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const timestamp: unknown = properties.timestamp;
    return publishReceived(this.options.publisher, {
      exchange: '',
      routingKey,
      type: text(properties.type),
      messageId: text(properties.messageId),
      correlationId: text(properties.correlationId),
      replyTo: text(properties.replyTo),
      appId: text(properties.appId),
      contentType: text(properties.contentType),
      headers,
      content,
      ...(typeof timestamp === 'number' && { timestamp: timestamp * 1000 }),
    });
  }

  private faultOf(error: unknown): Fault {
    if (error instanceof BrokerUnavailable) return 'infrastructure';
    return error instanceof UnwritableMessage ? 'message' : this.options.faultOf(error);
  }

  private beginPause(error: unknown, log: Logger): void {
    if (this.pause) return;
    this.pausesInARow += 1;
    log.warn({ err: error, pausesInARow: this.pausesInARow }, 'infrastructure failed: pausing');
    this.pause = this.wait(this.pausesInARow, this.stopping.signal).then(() => {
      this.pause = undefined;
    });
  }

  /** Waits before try `time + 1`; cut short, without an error, when `signal` aborts. */
  private async wait(time: number, signal: AbortSignal): Promise<void> {
    await delay(retryPauseMs(time, this.pauses), undefined, { signal }).catch(() => {});
  }
}

/** What a dead letter says of its failure. Errors that are not ours could quote the message. */
function describeFailure(error: unknown): string {
  if (error instanceof OrderDispatchError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.name : 'unknown error';
}
