import type { Channel } from 'amqplib';
import { closeConnection, connectToBroker, cutAfter } from './connect-to-broker';
import { DECLARATIONS } from './topology';

/** What is on the broker, compared with what should be. */
export interface TopologyReport {
  /** The broker's version. */
  version: string;
  /** Exchanges and queues that are not there: the first process that starts declares them. */
  missing: string[];
  /** Those that are not as we declare them, or that the user may not declare, with what the broker says. */
  refused: { name: string; why: string }[];
}

const CONNECT_TIMEOUT_MS = 5_000;
/** How long all answers may take, in ms. */
const ANSWERS_TIMEOUT_MS = 30_000;

/**
 * Looks at exchanges and queues, and creates none: what is there is declared again, which the broker
 * refuses where it has other arguments.
 *
 * @throws where the broker cannot be reached.
 */
export async function inspectTopology(url: string): Promise<TopologyReport> {
  const connection = await connectToBroker({
    url,
    name: 'doctor',
    timeoutMs: CONNECT_TIMEOUT_MS,
  });
  connection.on('error', () => {});
  const { version } = connection.connection.serverProperties as { version?: string };
  const report: TopologyReport = { version: version ?? 'unknown', missing: [], refused: [] };
  // The broker closes a channel on which it refuses something.
  const attempt = async (work: (channel: Channel) => Promise<unknown>): Promise<string> => {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    try {
      await work(channel);
      await channel.close();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const inspect = async () => {
    for (const { name, look, declare } of DECLARATIONS) {
      const isMissing = /404/.test(await attempt(look));
      const why = isMissing ? '' : await attempt(declare);
      if (isMissing) report.missing.push(name);
      if (why !== '') report.refused.push({ name, why });
    }
  };
  try {
    await cutAfter(connection, ANSWERS_TIMEOUT_MS, inspect);
  } finally {
    await closeConnection(connection);
  }
  return report;
}
