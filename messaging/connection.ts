import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { BrokerUnavailable } from '../domain/errors';
import type { Logger } from '../runtime/logger';
import { retryPauseMs } from '../runtime/retry-pause';
import { vhostOf } from './broker-url';
import { closeConnection, connectToBroker, cutAfter, cutConnection } from './connect-to-broker';

const HEARTBEAT_S = 10;
const CONNECT_TIMEOUT_MS = 10_000;
/** How long `setup` may take, in ms: a broker that stalls still sends heartbeats. */
const SETUP_TIMEOUT_MS = 60_000;
/** How often a connection is tried when it is opened: a wrong URL should end a start, not hang it. */
const INITIAL_TRIES = 5;
/** The pauses between two tries to connect. */
const PAUSES = { initialMs: 100, maximumMs: 5_000 };

/** How a {@link SupervisedConnection} proves that it is alive. */
interface Watch {
  /** The pause between two looks, in ms. */
  intervalMs: number;
  /**
   * After how many looks without an answer it is dropped. Looks are counted instead of time: a process that
   * stood still has not waited.
   */
  looks: number;
}

const WATCH: Watch = { intervalMs: 10_000, looks: 3 };

/** How a {@link SupervisedConnection} is opened. */
export interface ConnectionOptions {
  url: string;
  /** What RabbitMQ's management shows, such as `worker publish`. */
  name: string;
  log: Logger;
  /** Opens channels, topology and consumers; runs again after every reconnect. */
  setup: (link: Link) => Promise<void>;
  /** What to drop as soon as the connection is lost. */
  lost?: (why: BrokerUnavailable) => void;
  /** How it proves that it is alive. @default a round trip every 10 s; dropped after 30 s without one */
  watch?: Watch;
}

/** One live connection to the broker, as `setup` sees it. */
interface Link {
  channel: () => Promise<Channel>;
  confirmChannel: () => Promise<ConfirmChannel>;
}

/** A connection on which `setup` is done. */
interface Established {
  model: ChannelModel;
  blocked: boolean;
}

/**
 * A connection to the broker that comes back: it is opened again, and `setup` restores all that lived on it. A
 * channel that closes takes its connection with it, so that there is one way back to a known state. A connection
 * on which the broker answers nothing for 30 s is dropped, too.
 *
 * amqplib's own recovery is not used: it misses a connection that is closed while `setup` runs, and waits without
 * end for the good-bye of a broker that is gone (2.3.1).
 */
export class SupervisedConnection {
  /** The newest connection, which may still be set up. */
  private newest: ChannelModel | undefined;
  private established: Established | undefined;
  private readonly closing = new AbortController();
  private readonly availability = new EventEmitter().setMaxListeners(0);

  private constructor(private readonly options: ConnectionOptions) {}

  /**
   * Connects and runs `setup` once.
   *
   * @throws {@link BrokerUnavailable} where the broker cannot be reached, or refuses the setup, after
   * a few tries.
   */
  static async open(options: ConnectionOptions): Promise<SupervisedConnection> {
    const supervised = new SupervisedConnection(options);
    try {
      await supervised.establish(INITIAL_TRIES);
    } catch (error) {
      const { host } = new URL(options.url);
      throw new BrokerUnavailable(
        `RabbitMQ at ${host}, virtual host ${vhostOf(options.url)}, cannot be used (do host, virtual host, user and password fit?): ${(error as Error).message}`,
        { cause: error },
      );
    }
    return supervised;
  }

  /** Whether a publish has a chance now: connected, and not blocked by the broker. */
  get available(): boolean {
    return this.established?.blocked === false;
  }

  /** Why a publish has no chance now. */
  get unavailability(): BrokerUnavailable {
    if (this.closing.signal.aborted) {
      return new BrokerUnavailable('the connection to RabbitMQ is closed');
    }
    return new BrokerUnavailable(
      this.established?.blocked
        ? 'RabbitMQ blocks publishers (a resource alarm: disk or memory)'
        : 'RabbitMQ is not connected',
    );
  }

  /** Waits until a publish has a chance; rejects when `signal` aborts, or the connection is closed. */
  async whenAvailable(signal: AbortSignal): Promise<void> {
    while (!this.available) {
      if (this.closing.signal.aborted) throw this.unavailability;
      await once(this.availability, 'change', { signal });
    }
  }

  /** Closes the connection for good. */
  async close(): Promise<void> {
    this.closing.abort();
    this.change(undefined, 'closed');
    if (this.newest) await closeConnection(this.newest);
  }

  /** Connects and runs `setup`, again and again with growing pauses. */
  private async establish(maximumTries: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.establishOnce();
        return;
      } catch (error) {
        if (tries === maximumTries || this.closing.signal.aborted) throw error;
        await this.pause(tries, error as Error);
      }
    }
  }

  private async pause(tries: number, { message }: Error): Promise<void> {
    const { log, name } = this.options;
    // Spread, so that the processes that lost one broker do not all come back to it at once.
    const delayMs = Math.round(retryPauseMs(tries, PAUSES) * (0.8 + 0.4 * Math.random()));
    log.warn({ connection: name, attempt: tries, delayMs, why: message }, 'reconnecting');
    await delay(delayMs, undefined, { signal: this.closing.signal });
  }

  private async establishOnce(): Promise<void> {
    const { log, name, setup } = this.options;
    const model = await connectToBroker({
      ...this.options,
      timeoutMs: CONNECT_TIMEOUT_MS,
      heartbeatS: HEARTBEAT_S,
    });
    const connection: Established = { model, blocked: false };
    // From here on: what comes while `setup` runs would be missed by listeners of after it.
    let lost: Error | undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      model.once('close', (why?: Error) => {
        lost = why ?? new Error('the connection was closed');
        reject(lost);
        if (this.established === connection) this.reestablish(lost);
      });
    });
    closed.catch(ignore);
    const block = (blocked: boolean, what: string) => {
      connection.blocked = blocked;
      if (this.established === connection) this.change(connection, what);
    };
    model.on('blocked', (reason: string) => block(true, `blocked: ${reason}`));
    model.on('unblocked', () => block(false, 'unblocked'));
    model.on('error', (error: Error) => log.warn({ connection: name, err: error }, 'AMQP error'));
    this.newest = model;
    try {
      this.closing.signal.throwIfAborted();
      const setUp = () => this.watch(connection).then(() => setup(linkOf(model, this.options)));
      await cutAfter(model, SETUP_TIMEOUT_MS, () => Promise.race([closed, setUp()]));
      if (lost) throw lost;
    } catch (error) {
      await closeConnection(model);
      throw error;
    }
    this.change(connection, 'connected');
  }

  private reestablish(why: Error): void {
    this.change(undefined, `disconnected: ${why.message}`);
    this.pause(1, why)
      .then(() => this.establish(Infinity))
      // It ends without success only when the connection is closed for good.
      .catch(ignore);
  }

  /** Drops a connection on which the broker answers nothing, though it is open and has its heartbeats. */
  private async watch(connection: Established): Promise<void> {
    const { intervalMs, looks } = this.options.watch ?? WATCH;
    const { model } = connection;
    const channel = await linkOf(model, this.options).channel();
    let unanswered = 0;
    const looking = setInterval(() => {
      // A broker that blocks a connection reads nothing from it.
      if (connection.blocked) return;
      unanswered += 1;
      if (unanswered > looks) cutConnection(model, 'the broker answers nothing');
      // The cheapest question, which needs no permission; nothing is consumed here.
      else if (unanswered === 1) void channel.prefetch(0).then(() => (unanswered = 0), ignore);
    }, intervalMs).unref();
    model.once('close', () => clearInterval(looking));
  }

  private change(established: Established | undefined, what: string): void {
    const { log, name, lost } = this.options;
    this.established = established;
    if (!this.closing.signal.aborted) {
      log[this.available ? 'info' : 'warn']({ connection: name }, what);
    }
    if (!this.available) lost?.(this.unavailability);
    this.availability.emit('change');
  }
}

function linkOf(connection: ChannelModel, { log, name }: ConnectionOptions): Link {
  const supervise = <Kind extends Channel>(channel: Kind): Kind => {
    channel.on('error', (error: Error) =>
      log.warn({ connection: name, err: error }, 'channel error'),
    );
    channel.on('close', () => {
      // Ends the connection too, unless it is what closed the channel.
      void closeConnection(connection);
    });
    return channel;
  };
  return {
    channel: async () => supervise(await connection.createChannel()),
    confirmChannel: async () => supervise(await connection.createConfirmChannel()),
  };
}

function ignore(): void {}
