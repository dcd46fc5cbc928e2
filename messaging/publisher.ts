import { IllegalOperationError, type ConfirmChannel } from 'amqplib';
import { BrokerUnavailable, UnroutableMessage } from '../domain/errors';
import type { Logger } from '../runtime/logger';
import { crashPoint } from '../runtime/crash-point';
import { publishes } from '../runtime/metrics';
import { SupervisedConnection } from './connection';
import { assertTopology, type Topology } from './topology';

/** How long the broker may take to confirm a message, in ms, and how many bytes a slow network takes in one more. */
const CONFIRM_TIMEOUT_MS = 10_000;
const BYTES_PER_MS = 1_000;

/**
 * How often the topology is declared again, in ms: a binding that somebody removed is missed by nobody,
 * since `mandatory` is content with the other queue.
 */
const TOPOLOGY_INTERVAL_MS = 60_000;

/** A message to publish; see the message contract in docs/dispatch-system.md. */
export interface OutgoingMessage {
  /** Empty for the default exchange, which routes to the queue named by the routing key. */
  exchange: string;
  routingKey: string;
  type: string;
  messageId: string;
  correlationId?: string;
  replyTo?: string;
  appId: string;
  contentType?: string;
  headers: Record<string, unknown>;
  /** When the message came to be; a dead letter keeps that of its original. @default now */
  timestamp?: number;
  content: Buffer;
}

/** The broker refused a message, as it does where a queue that it goes to is full and has `reject-publish`. */
export class MessageNacked extends BrokerUnavailable {}

/** A message whose properties or headers amqplib cannot write: nothing was sent. */
export class UnwritableMessage extends Error {}

/**
 * Publishes with a confirm for each message, on a connection of its own: the broker stops reading
 * from a connection that publishes too much, and acks must not wait behind that.
 */
export class Publisher {
  private channel: ConfirmChannel | undefined;
  private readonly unconfirmed = new Set<(error: BrokerUnavailable) => void>();
  /** Message IDs that came back unroutable; their confirm follows. */
  private readonly returned = new Set<string>();
  private connection!: SupervisedConnection;

  private constructor() {}

  /**
   * Connects and declares the topology, at once and from time to time.
   *
   * @param options.topology what to declare. @default all of the service's
   * @param options.topologyIntervalMs how often. @default 60000
   * @throws {@link BrokerUnavailable} where the broker cannot be reached.
   */
  static async open(options: {
    url: string;
    name: string;
    log: Logger;
    topology?: Topology;
    topologyIntervalMs?: number;
  }): Promise<Publisher> {
    const { log, topology, topologyIntervalMs = TOPOLOGY_INTERVAL_MS } = options;
    const publisher = new Publisher();
    publisher.connection = await SupervisedConnection.open({
      ...options,
      setup: async (link) => {
        const channel = await link.confirmChannel();
        await assertTopology(channel, topology);
        channel.on('return', ({ properties }) =>
          publisher.returned.add(String(properties.messageId)),
        );
        const mending = setInterval(() => {
          assertTopology(channel, topology).catch((error: unknown) =>
            log.warn({ err: error }, 'the topology cannot be declared'),
          );
        }, topologyIntervalMs).unref();
        channel.on('close', () => {
          clearInterval(mending);
          publisher.lose(new BrokerUnavailable('the channel was closed'));
        });
        publisher.channel = channel;
      },
      lost: (why) => publisher.lose(why),
    });
    return publisher;
  }

  /** Whether a publish has a chance now. */
  get available(): boolean {
    return this.connection.available;
  }

  /** Waits until a publish has a chance; rejects when `signal` aborts, or the connection is closed. */
  whenAvailable(signal: AbortSignal): Promise<void> {
    return this.connection.whenAvailable(signal);
  }

  /**
   * Publishes a persistent, mandatory message and resolves when the broker has confirmed it.
   *
   * @throws {@link BrokerUnavailable} where no confirm came: publish again, the broker may or may not
   * have the message. {@link UnroutableMessage} where no queue took it. {@link UnwritableMessage}.
   */
  async publish(message: OutgoingMessage): Promise<void> {
    if (!this.connection.available) throw this.connection.unavailability;
    try {
      await this.confirmed(message);
    } catch (error) {
      publishes.inc({ result: 'unconfirmed' });
      throw error;
    }
    const isReturned = this.returned.delete(message.messageId);
    publishes.inc({ result: isReturned ? 'unroutable' : 'confirmed' });
    if (isReturned) {
      throw new UnroutableMessage(
        `no queue is bound to exchange '${message.exchange}' for '${message.routingKey}'`,
      );
    }
  }

  /** Closes the connection; publishes that are under way fail. */
  close(): Promise<void> {
    return this.connection.close();
  }

  private confirmed(message: OutgoingMessage): Promise<void> {
    const { exchange, routingKey, content, timestamp = Date.now(), ...properties } = message;
    return new Promise((resolve, reject) => {
      const settle = (error?: BrokerUnavailable | UnwritableMessage) => {
        clearTimeout(timer);
        this.unconfirmed.delete(settle);
        if (error) reject(error);
        else resolve();
      };
      const timeoutMs = CONFIRM_TIMEOUT_MS + Math.ceil(content.length / BYTES_PER_MS);
      const timer = setTimeout(
        () => settle(new BrokerUnavailable(`no confirm within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.unconfirmed.add(settle);
      try {
        this.channel?.publish(
          exchange,
          routingKey,
          content,
          {
            contentType: 'application/json',
            ...properties,
            // AMQP's timestamps are in seconds.
            timestamp: Math.floor(timestamp / 1000),
            persistent: true,
            mandatory: true,
          },
          (error: Error | null) => {
            crashPoint('publish.atConfirm');
            // By any other error amqplib says that the channel was closed.
            const isNack = error?.message === 'message nacked';
            const Failure = isNack ? MessageNacked : BrokerUnavailable;
            settle(error ? new Failure('the broker refused the message') : undefined);
          },
        );
      } catch (error) {
        settle(
          error instanceof IllegalOperationError
            ? new BrokerUnavailable('the channel was closed', { cause: error })
            : new UnwritableMessage(`it cannot be written: ${String(error)}`, { cause: error }),
        );
      }
    });
  }

  private lose(why: BrokerUnavailable): void {
    this.returned.clear();
    for (const settle of [...this.unconfirmed]) settle(why);
  }
}
