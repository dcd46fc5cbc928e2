import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { OrderDispatchClient } from '../../client';
import type { Progress } from '../../stack/progress';
import { checkDispatchedOnce } from '../measure/check';
import { latenciesOf, type Latencies } from '../measure/spread';
import { newOrder } from '../order';
import { query } from '../../stack/servers/query';
import { openConnection } from '../../temporal/connection';
import type { Servers, Surroundings } from '../servers';
import { waitUntil } from '../wait-until';

/** What orders that are placed meet while others that piled up are dispatched. */
export interface BacklogResult {
  /** Orders without an answer when the outage ended. */
  backlog: number;
  /** From the end of the outage until all of those are final, in ms. */
  drainMs: number;
  /** Orders placed in that time. */
  placedMeanwhile: number;
  /** From the call that places one of them until its first workflow task has recorded it, in ms. */
  firstTaskMs: Latencies;
  /** Answers in the ledger, of all orders. */
  answers: number;
  orders: number;
}

/** Orders placed each second, all the time. */
const PER_SECOND = 10;

/**
 * Places orders at a steady rate, has the dispatch system's database away until so many wait, and
 * looks at those that are placed while the backlog drains.
 *
 * @throws WrongResult where an order was not dispatched exactly once.
 */
export async function measureBacklog(
  servers: Servers,
  { backlogOrders }: { backlogOrders: number },
  progress: Progress,
): Promise<BacklogResult> {
  const surroundings = await servers.createSurroundings('backlog');
  const { temporalAddress: address, namespace, ordersDatabaseUrl } = surroundings;
  const processes = await Promise.all([
    servers.startProcess('worker', surroundings),
    servers.startProcess('dispatch-system', surroundings),
  ]);
  const client = await OrderDispatchClient.connect({ address, namespace });
  const connection = await openConnection({ address });
  const temporal = new Client({ connection, namespace });

  const placedAt = new Map<string, number>();
  const placements: Promise<unknown>[] = [];
  const placer = setInterval(() => {
    const orderId = `backlog-${placedAt.size}`;
    placedAt.set(orderId, Date.now());
    const placement = client.placeOrder(newOrder(orderId));
    // Heard below: a failure before that would end the process, and leave the servers behind.
    placement.catch(() => {});
    placements.push(placement);
  }, 1_000 / PER_SECOND);
  const waiting = async () => (await temporal.workflow.count("ExecutionStatus = 'Running'")).count;

  await sleep(2_000);
  await allowConnections(servers, surroundings, false);
  await waitUntil('a backlog', async () => (await waiting()) >= backlogOrders, {
    everyMs: 500,
    timeoutMs: 10 * 60_000,
  });
  const backlog = [...placedAt.keys()];
  progress(`backlog: ${backlogOrders} orders wait; the dispatch system's database comes back`);
  await allowConnections(servers, surroundings, true);
  const start = performance.now();
  const unfinished = async () => {
    const [row] = await query<{ count: string }>(
      ordersDatabaseUrl,
      "SELECT count(*) FROM orders WHERE order_id = ANY($1) AND status <> 'dispatched'",
      [backlog],
    );
    return Number(row?.count);
  };
  await waitUntil('all of them are final', async () => (await unfinished()) === 0, {
    everyMs: 100,
    timeoutMs: 5 * 60_000,
  });
  const drainMs = performance.now() - start;
  clearInterval(placer);
  await Promise.all(placements);
  await waitUntil('all are final', async () => (await waiting()) === 0, {
    everyMs: 500,
    timeoutMs: 5 * 60_000,
  });
  const orderIds = [...placedAt.keys()];
  const meanwhile = orderIds.slice(backlog.length);
  await checkDispatchedOnce(surroundings, orderIds);
  const recorded = await query<{ order_id: string; created_at: Date }>(
    ordersDatabaseUrl,
    'SELECT order_id, created_at FROM orders WHERE order_id = ANY($1)',
    [meanwhile],
  );
  const [ledger] = await query<{ count: string }>(
    ordersDatabaseUrl,
    'SELECT count(*) FROM acknowledgements',
  );
  await client.close();
  await connection.close();
  await Promise.all(processes.map((running) => running.stop('SIGTERM')));
  return {
    backlog: backlogOrders,
    drainMs,
    placedMeanwhile: meanwhile.length,
    firstTaskMs: latenciesOf(
      recorded.map((row) => row.created_at.getTime() - (placedAt.get(row.order_id) ?? NaN)),
    ),
    answers: Number(ledger?.count),
    orders: orderIds.length,
  };
}

/** Lets nobody use the dispatch database, and ends who does; or lets them again. */
async function allowConnections(
  { postgresUrl }: Servers,
  { dispatchDatabaseUrl }: Surroundings,
  isAllowed: boolean,
): Promise<void> {
  const name = new URL(dispatchDatabaseUrl).pathname.slice(1);
  await query(postgresUrl, `ALTER DATABASE "${name}" WITH ALLOW_CONNECTIONS ${isAllowed}`);
  if (isAllowed) return;
  await query(
    postgresUrl,
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
    [name],
  );
}
