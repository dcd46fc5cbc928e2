import type { Command } from 'commander';
import { parseOrderId } from './input';
import { print, type OutputOptions } from './output';
import { withSession } from './session';
import { statusText } from './status-text';
import type { TargetOptions } from './target';

const HELP = `
Example:
  $ order-dispatch show o-1001
  $ order-dispatch show o-1001 --json | jq -r .status`;

/** `show`: where an order stands. */
export function addShowCommand(program: Command): void {
  program
    .command('show')
    .description(
      'Show where an order stands: its status, its courier, and the human task that it waits for.',
    )
    .argument('<ORDER>', 'the order ID')
    .addHelpText('after', HELP)
    .action((typed: string, _, command: Command) =>
      show(parseOrderId(typed), command.optsWithGlobals()),
    );
}

async function show(orderId: string, options: TargetOptions & OutputOptions): Promise<void> {
  await withSession(options, async (session) => {
    const view = await session.orders.getOrder(orderId).status();
    print(options, view, statusText({ view, session }));
  });
}
