import { Client } from '@temporalio/client';
import { OrderDispatchClient } from '../../client';
import type { Progress } from '../../stack/progress';
import { openConnection } from '../../temporal/connection';
import { checkDispatchedOnce } from '../measure/check';
import { spreadOf, type Spread } from '../measure/spread';
import { newOrder } from '../order';
import type { Servers, Surroundings } from '../servers';
import { waitUntil } from '../wait-until';

/** How long two workers took to finish what was in flight, in ms. */
export interface KillResult {
  inFlight: number;
  /** With both to the end. */
  undisturbedMs: Spread;
  /** From the SIGKILL of one of them. */
  killedMs: Spread;
}

/** Calls that place orders at once: more than two workers can dispatch, so that orders pile up. */
const PLACING = 32;

/**
 * Lets orders pile up, kills one of two workers, and waits until the other has finished them all;
 * beside it the same without a death.
 *
 * @throws WrongResult where an order was not dispatched exactly once.
 */
export async function measureKill(
  servers: Servers,
  { inFlight, rounds }: { inFlight: number; rounds: number },
  progress: Progress,
): Promise<KillResult> {
  const undisturbed: number[] = [];
  const killed: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const [what, times] of [
      ['undisturbed', undisturbed],
      ['killed', killed],
    ] as const) {
      const name = `${what}-${round}`;
      const ms = await timeUntilFinal(servers, { name, inFlight, kill: what === 'killed' });
      progress(`kill: ${what}: all are final after ${ms.toFixed(0)} ms`);
      times.push(ms);
    }
  }
  return { inFlight, undisturbedMs: spreadOf(undisturbed), killedMs: spreadOf(killed) };
}

async function timeUntilFinal(
  servers: Servers,
  options: { name: string; inFlight: number; kill: boolean },
): Promise<number> {
  const surroundings = await servers.createSurroundings(options.name);
  const { temporalAddress: address, namespace } = surroundings;
  const [victim, ...others] = await Promise.all([
    servers.startProcess('worker', surroundings),
    servers.startProcess('worker', surroundings),
    servers.startProcess('dispatch-system', surroundings),
  ]);
  const connection = await openConnection({ address });
  const temporal = new Client({ connection, namespace });
  const running = async () => (await temporal.workflow.count("ExecutionStatus = 'Running'")).count;

  const orderIds = await placeUntil(
    surroundings,
    async () => (await running()) >= options.inFlight,
  );
  const start = performance.now();
  if (options.kill) await victim.stop('SIGKILL');
  await waitUntil('all orders are final', async () => (await running()) === 0, {
    everyMs: 50,
    timeoutMs: 5 * 60_000,
  });
  const elapsedMs = performance.now() - start;
  await checkDispatchedOnce(surroundings, orderIds);
  await connection.close();
  await Promise.all([victim, ...others].map((running) => running.stop('SIGTERM')));
  return elapsedMs;
}

/** Places orders as fast as it goes. @returns their IDs. */
async function placeUntil(
  { temporalAddress: address, namespace }: Surroundings,
  isEnough: () => Promise<boolean>,
): Promise<string[]> {
  const client = await OrderDispatchClient.connect({ address, namespace });
  const orderIds: string[] = [];
  let enough = false;
  const place = async () => {
    while (!enough) {
      const orderId = `kill-${orderIds.length}`;
      orderIds.push(orderId);
      await client.placeOrder(newOrder(orderId));
    }
  };
  const untilEnough = async () => {
    const patience = { everyMs: 50, timeoutMs: 5 * 60_000 };
    await waitUntil('enough orders in flight', isEnough, patience);
    enough = true;
  };
  await Promise.all([untilEnough(), ...Array.from({ length: PLACING }, place)]);
  await client.close();
  return orderIds;
}
