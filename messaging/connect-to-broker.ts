import type { Duplex } from 'node:stream';
import { connect, credentials, type ChannelModel } from 'amqplib';
import { defined } from '../domain/defined';
import { userOf } from './broker-url';

/** How long the broker may take to say good-bye, in ms. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Opens a connection to RabbitMQ. User and password may have any characters, percent-encoded in the URL as UTF-8.
 *
 * @param options.name what RabbitMQ's management shows.
 * @param options.timeoutMs how long the broker may be silent before the connection is open, in ms.
 * @param options.heartbeatS in s. @default the broker's
 */
export async function connectToBroker(options: {
  url: string;
  name: string;
  timeoutMs: number;
  heartbeatS?: number;
}): Promise<ChannelModel> {
  const { name, timeoutMs, heartbeatS } = options;
  const url = new URL(options.url);
  if (heartbeatS !== undefined) url.searchParams.set('heartbeat', String(heartbeatS));
  const user = userOf(options.url);
  return connect(url.href, {
    noDelay: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: name },
    // By itself amqplib decodes them as Latin-1.
    ...defined({ credentials: user && credentials.plain(user.name, user.password) }),
  });
}

/** Closes a connection, and cuts it if the broker does not say good-bye in time. */
export async function closeConnection(model: ChannelModel): Promise<void> {
  // amqplib's own promise stays open if the connection is lost before the broker says good-bye.
  const gone = new Promise<void>((resolve) => model.once('close', () => resolve()));
  await cutAfter(model, CLOSE_TIMEOUT_MS, () =>
    Promise.race([model.close().catch(() => {}), gone]),
  );
}

/** Does work on a connection, which is cut if the work takes longer: a broker that stalls still sends heartbeats. */
export async function cutAfter<Result>(
  model: ChannelModel,
  timeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const why = `RabbitMQ did not answer within ${timeoutMs} ms`;
  const timer = setTimeout(() => cutConnection(model, why), timeoutMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a connection at once: for the broker, too, which then gives what was not acked to others. */
export function cutConnection(model: ChannelModel, why: string): void {
  const { stream } = model.connection as unknown as { stream: Duplex };
  stream.destroy(new Error(why));
}
