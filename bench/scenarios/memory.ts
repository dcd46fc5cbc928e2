import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { OrderDispatchClient } from '../../client';
import type { Progress } from '../../stack/progress';
import { readMemoryMiB } from '../measure/cpu';
import { newOrder } from '../order';
import { query } from '../../stack/servers/query';
import type { Servers } from '../servers';
import { waitUntil } from '../wait-until';

/** A worker's resident memory while so many orders wait for people. */
export type MemoryResult = { waiting: number; workerMiB: number }[];

/** How long the worker is left alone before its memory is read, in ms. */
const REST_MS = 5_000;

/** Places orders that all end up in a human task, and reads the worker's memory on the way. */
export async function measureMemory(
  servers: Servers,
  { waiting }: { waiting: readonly number[] },
  progress: Progress,
): Promise<MemoryResult> {
  const surroundings = await servers.createSurroundings('memory');
  await servers.startProcess('dispatch-system', surroundings, {
    DISPATCH_SYSTEM_DECIDE_MODULE: join(__dirname, 'reject-all.js'),
  });
  const worker = await servers.startProcess('worker', surroundings, {
    ORDER_DISPATCH_POLICY: JSON.stringify({ onRejection: 'escalate' }),
  });
  const client = await OrderDispatchClient.connect({
    address: surroundings.temporalAddress,
    namespace: surroundings.namespace,
  });
  const result: MemoryResult = [];
  let placed = 0;
  for (const count of [0, ...waiting]) {
    const orderIds = Array.from({ length: count - placed }, () => `memory-${(placed += 1)}`);
    await pLimit(32).map(orderIds, (orderId) => client.placeOrder(newOrder(orderId)));
    await waitUntil(
      `${count} orders that wait for people`,
      async () => {
        const [row] = await query<{ escalated: string }>(
          surroundings.ordersDatabaseUrl,
          `SELECT count(*) AS escalated FROM orders WHERE status = 'escalated'`,
        );
        return Number(row?.escalated) === count;
      },
      { everyMs: 1_000, timeoutMs: 15 * 60_000 },
    );
    await sleep(REST_MS);
    const workerMiB = readMemoryMiB(worker.pid);
    progress(`memory: ${count} orders wait, the worker has ${workerMiB.toFixed(0)} MiB`);
    result.push({ waiting: count, workerMiB });
  }
  await client.close();
  return result;
}
