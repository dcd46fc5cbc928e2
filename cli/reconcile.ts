import type { Command } from 'commander';
import type { ReconcileResult } from '../client';
import { reconcileOrderWorkflowId } from '../domain/temporal-names';
import { parseOrderId, parseTyped } from './options';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal, type NextCommand } from './open-services';
import type { TargetOptions } from './target-options';
import { waitFor, withWaiting, type MayWaitOptions } from './waiting';

interface ReconcileOptions extends TargetOptions, OutputOptions, MayWaitOptions {
  actor: string;
}

const HELP = `
Looks twice, some seconds apart, and does nothing where all agrees. What no rule
may decide becomes a human task: then the command waits for it, and Ctrl-C ends
the waiting, not the reconciliation.

Example:
  $ order-dispatch reconcile o-1001 --actor mia`;

/** `reconcile`: has an order looked at in both databases and in Temporal, and mended. */
export function addReconcileCommand(program: Command): void {
  withWaiting(program.command('reconcile'))
    .description('Compare what the two databases and Temporal say of an order, and mend it.')
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .requiredOption('--actor <name>', 'who asks')
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) =>
      reconcile(orderId, command.optsWithGlobals()),
    );
}

async function reconcile(orderId: string, options: ReconcileOptions): Promise<void> {
  const { parseActor } = await import('../domain/act.js');
  const actor = parseTyped(() => parseActor(options));
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl', 'dispatchDatabaseUrl'],
  });
  await withTemporal(services, async (session) => {
    const { refuseUnknownOrder } = await import('../operations/known-order.js');
    await refuseUnknownOrder(session, services, orderId);
    if (!options.wait) {
      const { startReconciliation } = await import('../operations/without-waiting.js');
      await startReconciliation(session, orderId, { actor, via: 'cli' });
      const found = nextCommand(`repairs list --order ${orderId}`);
      print(
        options,
        { orderId, asked: 'reconcile' },
        `order ${orderId} is being compared; what is mended: ${found}`,
      );
      return;
    }
    const result = await waitFor(() => session.orders.reconcile(orderId, { actor, via: 'cli' }), {
      session,
      orderId,
      until: `until what is known of order ${orderId} is compared and mended, which needs a worker and the supplement system`,
      options,
      nextCommand,
    });
    print(options, result, outcomeText(result, nextCommand));
  });
}

function outcomeText(result: ReconcileResult, nextCommand: NextCommand): string {
  const { orderId, rule, done, resolvedBy } = result;
  if (done === 'nothing') {
    // A person decided to keep it just so, or nothing helped.
    return result.verdict === 'consistent'
      ? `nothing is to be done about order ${orderId}: ${rule}`
      : `nothing was changed about order ${orderId}: ${rule}`;
  }
  const by = resolvedBy === null ? '' : ` by ${resolvedBy}`;
  const more = nextCommand(`repairs list --order ${orderId}`);
  return `order ${orderId}: ${rule}; ${done}${by} (${reconcileOrderWorkflowId(orderId)}); more: ${more}`;
}
