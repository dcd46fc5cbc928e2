/** `npm run break -- worker`: kills one part in the middle of a hundred orders, and says what became of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Argument, Command } from 'commander';
import { OrderDispatchClient } from '../client';
import { query } from '../stack/servers/query';
import { runCommand, unlessStopped } from '../stack/supervision/run-command';
import { Customers } from './customers';
import { faultOf } from './faults';
import { openField, type Field } from './field';

/** What can be broken, and the fault that breaks it. */
const VICTIMS = {
  worker: 'killWorker',
  broker: 'killBroker',
  database: 'killPostgres',
  'dispatch-system': 'killDispatchSystem',
} as const;

const ORDERS = 100;

/** Over so long they are placed, in ms; in the middle of it something is killed. */
const PLACED_OVER_MS = 6_000;

/** How long the victim is away, in ms. */
const AWAY_MS = 1_000;

const HELP = `
Brings up the service with servers of its own, places ${ORDERS} orders, kills the victim
with SIGKILL in the middle of it, starts it again after a second, and counts. It takes
half a minute, and leaves nothing running. More of this: npm run chaos -- --help

Example:
  $ npm run break -- broker`;

runCommand('break', async (stop) => {
  const [victim] = new Command('npm run break --')
    .description('Kills a part of the service in the middle of a hundred orders.')
    .addArgument(new Argument('<victim>').choices(Object.keys(VICTIMS)))
    .addHelpText('after', HELP)
    .exitOverride()
    .parse().args;
  const say = (line: string) => console.error(`break: ${line}`);
  const field = await openField({
    progress: say,
    signal: stop,
    processes: { worker: 1, 'dispatch-system': 1, supplement: 1, api: 0 },
  });
  try {
    const told = await unlessStopped(stop, () =>
      breakOne(field, VICTIMS[victim as keyof typeof VICTIMS], say),
    );
    console.log(told.text);
    return told.isRight ? 0 : 1;
  } finally {
    await field.end();
  }
});

async function breakOne(
  field: Field,
  fault: string,
  say: (line: string) => void,
): Promise<{ text: string; isRight: boolean }> {
  const { temporalAddress: address, dispatchDatabaseUrl } = field.direct;
  const client = await OrderDispatchClient.connect({ address, namespace: field.namespace });
  const customers = new Customers({ client, seed: 0, only: 'accept' });
  const killOne = async () => {
    await sleep(PLACED_OVER_MS / 2);
    const { victim, end } = await faultOf(fault).begin(field, 0);
    const killedAt = Date.now();
    say(`${victim} is killed`);
    await sleep(AWAY_MS);
    await end();
    say(`${victim} is back`);
    // One more order, that is not counted.
    const { orderId } = await customers.probe('again');
    return { orderId, againMs: Date.now() - killedAt };
  };
  const [probe] = await Promise.all([
    killOne(),
    customers.placeAll({ orders: ORDERS, overMs: PLACED_OVER_MS }),
  ]);
  const placed = [...customers.placed.keys()].filter((orderId) => orderId !== probe.orderId);
  const results = await Promise.all(placed.map((orderId) => client.getOrder(orderId).result()));
  await client.close();
  const dispatched = results.filter(({ status }) => status === 'dispatched').length;
  const twice = await query(
    dispatchDatabaseUrl,
    'SELECT order_id FROM dispatches GROUP BY order_id HAVING count(*) > 1',
  );
  const text = `${results.length} placed, ${dispatched} dispatched, ${twice.length} twice; an order was dispatched again ${(probe.againMs / 1_000).toFixed(1)} s after the kill`;
  return { text, isRight: dispatched === results.length && twice.length === 0 };
}
