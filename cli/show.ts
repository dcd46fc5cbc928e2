import type { Command } from 'commander';
import { parseOrderId } from './options';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import { statusText } from './status-text';
import type { TargetOptions } from './target-options';

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
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => show(orderId, command.optsWithGlobals()));
}

async function show(orderId: string, options: TargetOptions & OutputOptions): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async ({ orders }) => {
    const view = await orders.getOrder(orderId).status();
    print(options, view, statusText({ view, nextCommand }));
  });
}
