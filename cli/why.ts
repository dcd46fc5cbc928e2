import type { Command } from 'commander';
import { EXIT } from './exit';
import { chooseTarget, tryTemporal } from './open-services';
import { parseOrderId } from './options';
import { print, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import { formatInSentence } from './times';

const HELP = `
Asks the order database, Temporal and RabbitMQ. What does not answer, or where
nobody said where it is, is named as not known. Exits with 3 where that leaves
open what the order waits for.

Examples:
  $ order-dispatch why o-1001
  $ order-dispatch why o-1001 --json | jq -r .waitsFor`;

/** `why`: why an order stands where it does. */
export function addWhyCommand(program: Command): void {
  program
    .command('why')
    .description('Say what an order waits for, since when, what happens next, and what one can do.')
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => why(orderId, command.optsWithGlobals()));
}

async function why(orderId: string, options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl', 'amqpUrl'],
  });
  await tryTemporal(services, async (temporal) => {
    const { gatherWhyFacts } = await import('../operations/why.js');
    const { explainOrder } = await import('../domain/why.js');
    const { silentLogger } = await import('../runtime/logger.js');
    const facts = await gatherWhyFacts({ ...services, temporal, log: silentLogger() }, orderId);
    const reason = explainOrder(facts);
    const { text } = explainOrder(facts, formatInSentence);
    print(options, reason, `order ${orderId}: ${text}`);
    if (reason.waitsFor === 'notKnown') process.exitCode = EXIT.unreachable;
  });
}
