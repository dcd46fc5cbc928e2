import type { Command } from 'commander';
import type { OrderDispatchClient } from '../client';
import { wholeNumberOption } from './options';
import { print, say, type OutputOptions } from './output';
import { chooseTarget, withDatabases, withTemporal } from './open-services';
import type { TargetOptions } from './target-options';

interface SweepOptions extends TargetOptions, OutputOptions {
  minutes: number;
  days: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The shortest that orders are kept is 31 days: an older dispatch may have no order any more. */
const DAYS_MAX = 30;

const MINUTES_MAX = DAYS_MAX * 24 * 60;

const HELP = `
Finds what no message brings up: an order whose workflow was terminated, a
courier whose order was cancelled, an order whose courier is gone. Safe to
repeat; run it by a schedule, for instance hourly. Each finding is mended by
reconcileOrder, or becomes a human task: see \`repairs list\`, \`tasks list\`.

Examples:
  $ order-dispatch sweep
  $ order-dispatch sweep --days 1 --json`;

/** `sweep`: compares the two databases for every order that changed in the last days. */
export function addSweepCommand(program: Command): void {
  program
    .command('sweep')
    .description('Compare both databases for all orders of the last days, and mend what disagrees.')
    .addOption(
      wholeNumberOption('--days <days>', `how far back, at most ${DAYS_MAX}`, {
        minimum: 1,
        maximum: DAYS_MAX,
        default: 7,
      }),
    )
    .addOption(
      wholeNumberOption('--minutes <minutes>', 'how long a row must have been left alone', {
        minimum: 0,
        maximum: MINUTES_MAX,
        default: 10,
      }),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => sweepDatabases(command.optsWithGlobals()));
}

async function sweepDatabases(options: SweepOptions): Promise<void> {
  const { days, minutes } = options;
  const { services } = await chooseTarget(options, {
    needs: ['temporal', 'ordersDatabaseUrl', 'dispatchDatabaseUrl'],
  });
  const now = Date.now();
  const report = await withTemporal(services, async ({ temporal, orders: client }) => {
    const swept = await withDatabases(services, async ({ orders, dispatchView }) => {
      const { sweep } = await import('../reconciliation/sweep.js');
      return sweep({
        orders,
        dispatchView,
        temporal,
        from: new Date(now - days * DAY_MS),
        until: new Date(now - minutes * MINUTE_MS),
        onProgress: (looked) => say(`looked at ${looked} orders`),
      });
    });
    return { ...swept, waiting: await findWaiting(client, swept.found) };
  });
  const { looked, found, tasks, waiting } = report;
  const people = waiting.length === 0 ? '' : `, ${waiting.length} of them wait for a person`;
  const text = `looked at ${looked} orders; ${found.length} are being reconciled${people}`;
  const followed = [
    tasks.listed > 0 && `${tasks.listed} human tasks were on no list, and are now`,
    tasks.unlisted > 0 && `${tasks.unlisted} human tasks were listed that wait no more`,
  ].filter((line) => line !== false);
  print(options, report, [text, ...found, ...followed].join('\n'));
}

/** Those that are found again since nobody has decided about them yet. */
async function findWaiting(
  client: OrderDispatchClient,
  found: readonly string[],
): Promise<string[]> {
  const waiting = new Set<string>();
  for await (const { orderId, escalationReason } of client.humanTasks()) {
    if (orderId !== undefined && escalationReason === 'discrepancy') waiting.add(orderId);
  }
  return found.filter((orderId) => waiting.has(orderId));
}
