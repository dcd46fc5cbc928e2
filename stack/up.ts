/** `npm run up`: the whole service with everything it needs, until Ctrl-C. */
import { Command, Option } from 'commander';
import { printConnectionBlock, printDeath } from './connection-block';
import { startLocalStack } from './local-stack';
import { Narrator } from './narrator';
import { PROCESS_NAMES, type ProcessName } from './processes';
import { runCommand, untilStopped } from './supervision/run-command';

const HELP = `
Everything runs on private, free ports; its data goes with it. TEMPORAL_ADDRESS, AMQP_URL and
ORDERS_DATABASE_URL with DISPATCH_DATABASE_URL name services of your own to use instead.
ORDER_DISPATCH_STACK_DIRECTORY names another folder than this clone to run it for.
SUPPLEMENT_GRACE_MS says how old a request is when the supplement system looks at it (30000).

Examples:
  $ npm run up
  $ npm run up -- --without dispatch-system supplement`;

runCommand('up', async (stop) => {
  const { without = [] } = parseOptions();
  const narrator = new Narrator(process.stdout);
  narrator.heading('Bringing up the local stack');
  const start = () =>
    startLocalStack({
      stop,
      without,
      progress: (line) => narrator.step(line),
      onDeath: (death) => printDeath(narrator, death),
    });
  const stack = await start().catch((error: unknown) => {
    if (!stop.aborted) throw error;
  });
  try {
    if (stack) {
      printConnectionBlock(narrator, stack);
      narrator.line();
      narrator.say('Ctrl-C stops everything.');
      await untilStopped(stop);
      narrator.line('\nStopping everything ...');
    }
  } finally {
    await stack?.stop();
  }
  narrator.line('Stopped: nothing is left running.');
  return 0;
});

function parseOptions(): { without?: ProcessName[] } {
  return new Command('npm run up --')
    .description('Runs the whole service with everything it needs, until Ctrl-C.')
    .addOption(
      new Option('--without <process...>', 'leave a process to somebody else').choices(
        PROCESS_NAMES,
      ),
    )
    .addHelpText('after', HELP)
    .exitOverride()
    .parse()
    .opts();
}
