import { InvalidArgumentError, Option, type Command } from 'commander';
import { DATABASE_SOURCES, withDatabases, type DatabaseSource } from './databases';
import { UsageError } from './exit';
import { print, say, type OutputOptions } from './output';
import { withSession } from './session';
import type { TargetOptions } from './target';

interface SweepOptions extends TargetOptions, OutputOptions {
  minutes: number;
  days: number;
  from?: DatabaseSource;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The shortest that orders are kept is 31 days: an older dispatch may have no order any more. */
const DAYS_MAX = 30;

const HELP = `
Finds what no message brings up: an order whose workflow was terminated, a courier whose order was
cancelled, an order whose courier is gone. Safe to repeat; run it by a schedule, for instance hourly.
Each finding is mended by reconcileOrder, or becomes a human task: see \`repairs list\`, \`tasks list\`.

Example:
  $ order-dispatch sweep
  $ order-dispatch sweep --days 1 --json`;

/** `sweep`: compares the two databases for every order that changed in the last days. */
export function addSweepCommand(program: Command): void {
  program
    .command('sweep')
    .description('Compare both databases for all orders of the last days, and mend what disagrees.')
    .option('--days <days>', `how far back, at most ${DAYS_MAX}`, parseWhole, 7)
    .option('--minutes <minutes>', 'how long a row must have been left alone', parseWhole, 10)
    .addOption(
      new Option('--from <source>', 'whose databases, where both are there').choices(
        DATABASE_SOURCES,
      ),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => sweepDatabases(command.optsWithGlobals()));
}

async function sweepDatabases(options: SweepOptions): Promise<void> {
  const { days, minutes, from } = options;
  if (days < 1 || days > DAYS_MAX) throw new UsageError(`--days: must be 1 to ${DAYS_MAX}`);
  await withSession(options, (session) =>
    withDatabases(from, async ({ orders, dispatchView }) => {
      if (!dispatchView) {
        throw new UsageError('DISPATCH_DATABASE_URL is not set: this compares both databases');
      }
      const { sweep } = await import('../reconciliation/sweep.js');
      const now = Date.now();
      const report = await sweep({
        orders,
        dispatchView,
        temporal: session.temporal,
        from: new Date(now - days * DAY_MS),
        until: new Date(now - minutes * MINUTE_MS),
        onProgress: (looked) => say(`looked at ${looked} orders`),
      });
      const { looked, found } = report;
      const text = `looked at ${looked} orders; ${found.length} are being reconciled`;
      print(options, report, [text, ...found].join('\n'));
    }),
  );
}

function parseWhole(typed: string): number {
  if (!/^\d{1,6}$/.test(typed)) throw new InvalidArgumentError('must be a whole number');
  return Number(typed);
}
