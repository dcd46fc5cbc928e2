import type { Command } from 'commander';
import { parseOrderId, parseTyped } from './options';
import { print, say, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import type { TargetOptions } from './target-options';

interface CancelOptions extends TargetOptions, OutputOptions {
  actor: string;
  note: string;
}

const HELP = `
The dispatch system decides: with the courier on the way it is too late, the order stays dispatched,
and the command exits with 1 and names the courier. A cancelled order stays cancelled: repeating the
command is safe.

Example:
  $ order-dispatch cancel o-1001 --actor mia --note "ordered twice"`;

/** `cancel`: takes an order back, and waits for the dispatch system's word. */
export function addCancelCommand(program: Command): void {
  program
    .command('cancel')
    .description('Cancel an order, and wait until the dispatch system has given it up.')
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .requiredOption('--actor <name>', 'who cancels')
    .requiredOption('--note <text>', 'why')
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => cancel(orderId, command.optsWithGlobals()));
}

async function cancel(orderId: string, options: CancelOptions): Promise<void> {
  const { parseCancelRequest } = await import('../domain/resolution.js');
  const { actor, note } = options;
  const request = parseTyped(() => parseCancelRequest({ actor, note }));
  const { services } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async ({ orders }) => {
    say(
      `waiting for the dispatch system to give up order ${orderId} (repeating the command is safe)`,
    );
    const result = await orders.getOrder(orderId).cancel(request);
    const by = result.resolvedBy === null ? '' : ` (by ${result.resolvedBy})`;
    print(options, result, `order ${orderId} is ${result.status}${by}`);
  });
}
