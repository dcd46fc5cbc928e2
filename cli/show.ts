import type { Command } from 'commander';
import { Told } from './exit';
import { parseOrderId } from './options';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import { orderText } from './order-text';
import type { TargetOptions } from './target-options';

const HELP = `
Reads the databases, too, where it is known where they are; else it shows what
Temporal has. Where no worker answers, it shows what the databases have, and
exits with 3.

Examples:
  $ order-dispatch show o-1001
  $ order-dispatch show o-1001 --json | jq -r .status`;

/** `show`: where an order stands. */
export function addShowCommand(program: Command): void {
  program
    .command('show')
    .description(
      'Show where an order stands, what was ordered and decided, and the human tasks that it waits for.',
    )
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => show(orderId, command.optsWithGlobals()));
}

async function show(orderId: string, options: TargetOptions & OutputOptions): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl', 'dispatchDatabaseUrl'],
  });
  await withTemporal(services, async (session) => {
    const { reportOrder } = await import('../operations/order-overview.js');
    const report = await reportOrder(session, services, orderId);
    const { view, unanswered, ...rest } = report;
    const known = { status: report.row?.status, ...view, ...rest };
    print(
      options,
      unanswered ? { ...known, unanswered: unanswered.message } : known,
      orderText(report, nextCommand),
    );
    if (unanswered) throw options.json ? new Told(unanswered) : unanswered;
  });
}
