import pLimit from 'p-limit';
import { QUEUES } from '../../domain/amqp-names';
import { dispatchRequestMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import type { Progress } from '../../stack/progress';
import { readManagement } from '../management';
import { readCpuMs, readMemoryMiB } from '../measure/cpu';
import { newOrder } from '../order';
import { query } from '../../stack/servers/query';
import type { Servers, Surroundings } from '../servers';
import { waitUntil } from '../wait-until';
import { writeOldOrders } from './old-orders';

/** What a copy of an order costs that is in order. */
export interface CopiesResult {
  copies: number;
  supplementMsPerCopy: number;
  postgresqlMsPerCopy: number;
  /** Before and after. */
  supplementMiB: [number, number];
}

/** Copies before the measurement, which do not count. */
const WARM_UP_COPIES = 2_000;

const CONFIRMS_AWAITED = 500;

/** Gives the supplement system copies of orders that are in order, and reads what they cost it. */
export async function measureCopies(
  servers: Servers,
  { copies }: { copies: number },
  progress: Progress,
): Promise<CopiesResult> {
  const surroundings = await servers.createSurroundings('copies');
  await writeOldOrders(surroundings, copies);
  const supplement = await servers.startProcess('supplement', surroundings, {
    SUPPLEMENT_GRACE_MS: '0',
  });
  const publisher = await Publisher.open({
    url: surroundings.amqpUrl,
    name: 'bench copies',
    log: silentLogger(),
  });
  await compareAll(servers, surroundings, { publisher, copies: WARM_UP_COPIES });
  const pids = { supplement: supplement.pid, postgresql: servers.pids['PostgreSQL'] ?? 0 };
  const memoryBefore = readMemoryMiB(supplement.pid);
  const before = readCpuMs(pids);
  await compareAll(servers, surroundings, { publisher, copies });
  const after = readCpuMs(pids);
  const memoryAfter = readMemoryMiB(supplement.pid);
  await publisher.close();
  await supplement.stop('SIGTERM');
  const perCopy = (name: keyof typeof pids) => ((after[name] ?? 0) - (before[name] ?? 0)) / copies;
  const result: CopiesResult = {
    copies,
    supplementMsPerCopy: perCopy('supplement'),
    postgresqlMsPerCopy: perCopy('postgresql'),
    supplementMiB: [memoryBefore, memoryAfter],
  };
  progress(`copies: ${result.supplementMsPerCopy.toFixed(3)} ms of CPU each`);
  return result;
}

/** Publishes copies, and waits until all are acked. */
async function compareAll(
  { managementUrl }: Servers,
  { vhost, ordersDatabaseUrl }: Surroundings,
  { publisher, copies }: { publisher: Publisher; copies: number },
): Promise<void> {
  const rows = await query<{ orderId: string; contentHash: string }>(
    ordersDatabaseUrl,
    'SELECT order_id AS "orderId", content_hash AS "contentHash" FROM orders LIMIT $1',
    [copies],
  );
  const dispatchBy = new Date().toISOString();
  const queue = `queues/${encodeURIComponent(vhost)}/${QUEUES.supplementRequests}`;
  const read = () =>
    readManagement<{ messages?: number; message_stats?: { ack?: number } }>(managementUrl, queue);
  const ackedBefore = (await read()).message_stats?.ack ?? 0;
  await pLimit(CONFIRMS_AWAITED).map(rows, ({ orderId, contentHash }) => {
    const order = newOrder(orderId);
    const requestId = `${orderId}.1`;
    return publisher.publish(
      dispatchRequestMessage({ requestId, orderId, dispatchBy, contentHash, order }, undefined),
    );
  });
  await waitUntil(
    `${copies} copies are compared`,
    async () => ((await read()).message_stats?.ack ?? 0) - ackedBefore >= copies,
    { everyMs: 500, timeoutMs: 5 * 60_000 },
  );
}
