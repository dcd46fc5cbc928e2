/** `npm run demo`: orders dispatched, escalated, resolved and repaired before one's eyes, on a stack of its own. */
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { openOperatorSession } from '../operations/operator-session';
import { packageRoot } from '../runtime/package-root';
import { printConnectionBlock, printDeath } from '../stack/connection-block';
import { DEMO_GRACE_MS } from './row-comes-back';
import { newOrder, whereItStands, type Outcome, type Scene } from './scene';
import { STORIES } from './stories';
import { startLocalStack, type LocalStack } from '../stack/local-stack';
import { Narrator } from '../stack/narrator';
import { nextCommands, quoted } from '../stack/next-commands';
import { writeOrderFile } from '../stack/order-file';
import { PROCESSES } from '../stack/processes';
import { runCommand, unlessStopped, untilStopped } from '../stack/supervision/run-command';
import { StackError } from '../stack/stack-error';

interface DemoOptions {
  keep?: boolean;
  json?: boolean;
}

runCommand('demo', async (stop) => {
  const options = parseOptions();
  const narrator = new Narrator(options.json ? process.stderr : process.stdout);
  introduce(narrator, options);
  narrator.heading('Bringing up the local stack');
  // A process that dies ends the stories; afterwards it is only told.
  const broken = new AbortController();
  const stack = await startLocalStack({
    stop,
    decideModule: join(packageRoot(), 'dist', 'demo', 'decide.js'),
    supplementGraceMs: DEMO_GRACE_MS,
    progress: (line) => narrator.step(line),
    onDeath: (death) => {
      printDeath(narrator, death);
      broken.abort(new StackError(`the ${PROCESSES[death.name].title} ended, see above`));
    },
  });
  try {
    // eslint-disable-next-line no-restricted-properties -- once in the life of the process
    const over = AbortSignal.any([stop, broken.signal]);
    const outcomes = await tellStories(narrator, stack, over);
    printTable(narrator, outcomes);
    if (options.json) printJson(outcomes);
    if (options.keep) {
      printConnectionBlock(narrator, stack);
      printSilentOrder(narrator, stack);
      narrator.line();
      narrator.say('Ctrl-C stops everything.');
      await untilStopped(stop);
    } else {
      narrator.line();
      narrator.say('To look around for yourself: npm run demo -- --keep');
      const { desk = '' } = stack.details;
      narrator.say(`To place orders of your own, with the desk at ${desk}: npm run up`);
    }
    narrator.line('\nStopping everything ...');
  } finally {
    await stack.stop();
  }
  narrator.line('Stopped: nothing is left running.');
  return 0;
});

function introduce(narrator: Narrator, { keep }: DemoOptions): void {
  narrator.heading('Order Dispatch: four orders, and what may happen to them');
  narrator.say(
    'Everything here is real: PostgreSQL, RabbitMQ, Temporal and the processes of the service come up on private ports, and are taken down at the end. Only how the dispatch system answers, and one accident, are made up.',
  );
  narrator.say(
    keep
      ? 'The links and commands below work until you press Ctrl-C.'
      : 'It takes about half a minute. The links and commands below work only so long, unless you keep it running: npm run demo -- --keep',
  );
}

/** @throws StackError that says which order did not end as its story has it, where it stands, and why. */
async function tellStories(
  narrator: Narrator,
  stack: LocalStack,
  over: AbortSignal,
): Promise<Outcome[]> {
  const { temporalAddress, temporalNamespace } = stack.details;
  const session = await openOperatorSession({
    access: { address: temporalAddress, namespace: temporalNamespace },
  });
  const scene: Scene = { narrator, session, commands: nextCommands(stack), details: stack.details };
  const outcomes: Outcome[] = [];
  try {
    for (const [index, { title, newOrder, tell }] of STORIES.entries()) {
      narrator.heading(`${index + 1}. ${title}`);
      const order = newOrder();
      outcomes.push(
        await unlessStopped(over, () => tell(scene, order)).catch(async (cause: unknown) => {
          if (over.aborted) throw cause;
          const logs = Object.values(stack.processes).map(({ logFile }) => logFile);
          throw new StackError(
            `the story "${title}" did not end as it should: ${(cause as Error).message}; ${await whereItStands(scene, order.orderId)}; the logs: ${logs.join(', ')}`,
            { cause },
          );
        }),
      );
    }
    return outcomes;
  } finally {
    // What a story that was left still waits for ends with it, before the servers go.
    await session.close();
  }
}

/** The kept dispatch system goes by what an order's details say, as in the stories. */
function printSilentOrder(narrator: Narrator, stack: LocalStack): void {
  const commands = nextCommands(stack);
  const order = newOrder('yours', 'silentForEver');
  const file = writeOrderFile(stack, 'order-without-answer.json', order);
  const policy = quoted(JSON.stringify({ acknowledgementTimeoutMs: 1_000, maximumAttempts: 2 }));
  narrator.show(
    'an order that nobody answers (its details say so), which waits for you after some seconds',
    commands.orderDispatch(`place --file ${file} --policy ${policy}`),
    commands.orderDispatch(`tasks show ${order.orderId}`),
  );
}

function printTable(narrator: Narrator, outcomes: readonly Outcome[]): void {
  const table = new Table({
    head: ['order', 'what happened', 'status', 'courier', 'attempts', 'resolved by'],
    // The table's own colours do not ask whether there is a terminal.
    style: { head: [], border: [], compact: true },
  });
  for (const { whatHappened, result } of outcomes) {
    const { orderId, status, courierId = '', attempts, resolvedBy } = result;
    table.push([orderId, whatHappened, status, courierId, attempts, resolvedBy ?? 'nobody had to']);
  }
  narrator.heading('How they ended');
  narrator.line(table.toString());
}

function printJson(outcomes: readonly Outcome[]): void {
  const orders = outcomes.map(({ result: { orderId, status, attempts, resolvedBy } }) => ({
    orderId,
    status,
    attempts,
    resolvedBy,
  }));
  process.stdout.write(`${JSON.stringify({ orders })}\n`);
}

function parseOptions(): DemoOptions {
  return new Command('npm run demo --')
    .description(
      'Shows orders dispatched, escalated, resolved and repaired, on a stack of its own.',
    )
    .option('--keep', 'leave the stack running to explore, until Ctrl-C')
    .option('--json', 'a last line on stdout says how the orders ended; all else goes to stderr')
    .exitOverride()
    .parse()
    .opts();
}
