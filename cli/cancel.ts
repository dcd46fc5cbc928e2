import type { Command } from 'commander';
import { parseOrderId, parseTyped } from './options';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal } from './open-services';
import type { TargetOptions } from './target-options';
import { waitFor, withWaiting, type MayWaitOptions } from './waiting';

interface CancelOptions extends TargetOptions, OutputOptions, MayWaitOptions {
  actor: string;
  note: string;
}

const HELP = `
The dispatch system decides: with the courier on the way it is too late, the
order stays dispatched, and the command exits with 1 and names the courier. A
cancelled order stays cancelled: repeating the command is safe.

Example:
  $ order-dispatch cancel o-1001 --actor mia --note "ordered twice"`;

/** `cancel`: takes an order back, and waits for the dispatch system's word. */
export function addCancelCommand(program: Command): void {
  withWaiting(program.command('cancel'))
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
  const request = parseTyped(() => parseCancelRequest({ actor, note, via: 'cli' }));
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl'],
  });
  await withTemporal(services, async (session) => {
    const { refuseUnknownOrder } = await import('../operations/known-order.js');
    await refuseUnknownOrder(session, services, orderId);
    if (!options.wait) {
      const { startCancellation } = await import('../operations/without-waiting.js');
      await startCancellation(session, orderId, request);
      const where = nextCommand(`show ${orderId}`);
      print(
        options,
        { orderId, asked: 'cancel' },
        `order ${orderId} is to be cancelled; where it stands: ${where}`,
      );
      return;
    }
    const result = await waitFor(() => session.orders.getOrder(orderId).cancel(request), {
      session,
      orderId,
      until: `until the dispatch system has given up order ${orderId}`,
      options,
      nextCommand,
    });
    const by = result.resolvedBy === null ? '' : ` (by ${result.resolvedBy})`;
    print(options, result, `order ${orderId} is ${result.status}${by}`);
  });
}
