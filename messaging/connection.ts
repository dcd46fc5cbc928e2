import { EventEmitter, once } from 'node:events';
import {
  connect,
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type RecoveringChannelModel,
} from 'amqplib';
import { BrokerUnavailable } from '../domain/errors';
import type { Logger } from '../runtime/logger';

const HEARTBEAT_S = 10;
const CONNECT_TIMEOUT_MS = 10_000;

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
}

/** One live connection to the broker, as `setup` sees it. */
interface Link {
  channel: () => Promise<Channel>;
  confirmChannel: () => Promise<ConfirmChannel>;
}

/**
 * A connection to the broker that comes back: amqplib's recovery restores the connection, `setup`
 * all that lived on it. A channel that closes takes its connection with it, so that there is one way
 * back to a known state.
 */
export class SupervisedConnection {
  private connected = false;
  private blocked = false;
  private closing = false;
  private readonly availability = new EventEmitter().setMaxListeners(0);

  private constructor(
    private readonly model: RecoveringChannelModel,
    private readonly options: ConnectionOptions,
    private readonly live: () => ChannelModel | undefined,
  ) {
    const { log, name } = options;
    model.on('connect', () => this.change({ connected: true, blocked: false }, 'connected'));
    model.on('disconnect', (error: Error) => {
      this.change({ connected: false, blocked: false }, `disconnected: ${error.message}`);
    });
    model.on('blocked', (reason: string) => this.change({ blocked: true }, `blocked: ${reason}`));
    model.on('unblocked', () => this.change({ blocked: false }, 'unblocked'));
    model.on('reconnect-scheduled', ({ attempt, delay, error }) => {
      log.warn({ connection: name, attempt, delayMs: delay, why: error.message }, 'reconnecting');
    });
    model.on('error', (error: Error) => log.warn({ connection: name, err: error }, 'AMQP error'));
  }

  /**
   * Connects and runs `setup` once.
   *
   * @throws {@link BrokerUnavailable} where the broker cannot be reached, or refuses the setup, after
   * a few tries: a wrong URL should end a start, not hang it.
   */
  static async open(options: ConnectionOptions): Promise<SupervisedConnection> {
    const url = new URL(options.url);
    url.searchParams.set('heartbeat', String(HEARTBEAT_S));
    let live: ChannelModel | undefined;
    const model = await connect(url.href, {
      noDelay: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: options.name },
      recovery: {
        initialDelay: 100,
        maxDelay: 5_000,
        initialMaxRetries: 4,
        maxRetries: Infinity,
        waitForConnect: false,
        setup: (connection: ChannelModel) => {
          // amqplib listens to the connection only after this setup.
          connection.on('error', () => {});
          live = connection;
          return options.setup(linkOf(connection, options));
        },
      },
    });
    const supervised = new SupervisedConnection(model, options, () => live);
    try {
      await model.waitForConnect();
    } catch (error) {
      throw new BrokerUnavailable(
        `RabbitMQ at ${url.host}, virtual host ${vhostOf(options.url)}, cannot be used (do host, virtual host, user and password fit?): ${(error as Error).message}`,
        { cause: error },
      );
    }
    return supervised;
  }

  /** Whether a publish has a chance now: connected, and not blocked by the broker. */
  get available(): boolean {
    return this.connected && !this.blocked;
  }

  /** Why a publish has no chance now. */
  get unavailability(): BrokerUnavailable {
    if (this.closing) return new BrokerUnavailable('the connection to RabbitMQ is closed');
    return new BrokerUnavailable(
      this.blocked
        ? 'RabbitMQ blocks publishers (a resource alarm: disk or memory)'
        : 'RabbitMQ is not connected',
    );
  }

  /** Waits until a publish has a chance; rejects when `signal` aborts, or the connection is closed. */
  async whenAvailable(signal: AbortSignal): Promise<void> {
    while (!this.available) {
      if (this.closing) throw this.unavailability;
      await once(this.availability, 'change', { signal });
    }
  }

  /** Closes the connection for good. */
  async close(): Promise<void> {
    this.closing = true;
    this.availability.emit('change');
    // amqplib's own promise stays open where the connection is lost before the broker says good-bye.
    const gone = new Promise<void>((resolve) => this.live()?.once('close', () => resolve()));
    await Promise.race([this.model.close(), gone]);
    this.connected = false;
  }

  private change(state: { connected?: boolean; blocked?: boolean }, what: string): void {
    const { log, name, lost } = this.options;
    this.connected = state.connected ?? this.connected;
    this.blocked = state.blocked ?? this.blocked;
    if (!this.closing) log[this.available ? 'info' : 'warn']({ connection: name }, what);
    if (!this.available) lost?.(this.unavailability);
    this.availability.emit('change');
  }
}

/** The virtual host that an AMQP URL names. */
export function vhostOf(amqpUrl: string): string {
  return decodeURIComponent(new URL(amqpUrl).pathname.slice(1)) || '/';
}

function linkOf(connection: ChannelModel, { log, name }: ConnectionOptions): Link {
  const supervise = <Kind extends Channel>(channel: Kind): Kind => {
    channel.on('error', (error: Error) =>
      log.warn({ connection: name, err: error }, 'channel error'),
    );
    channel.on('close', () => {
      // Ends the connection too, unless it is what closed the channel.
      void Promise.resolve()
        .then(() => connection.close())
        .catch(() => {});
    });
    return channel;
  };
  return {
    channel: async () => supervise(await connection.createChannel()),
    confirmChannel: async () => supervise(await connection.createConfirmChannel()),
  };
}
