import { Option, type Command } from 'commander';
import {
  DEAD_LETTER_STATES,
  discardDeadLetters,
  listDeadLetters,
  parseDecision,
  showDeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
} from '../operations/dead-letters';
import { withDeadLetters } from '../operations/dead-letters-connect';
import { replayDeadLetters } from '../operations/dead-letters-replay';
import { silentLogger } from '../runtime/logger';
import {
  chosen,
  parseAmqpUrl,
  parseCount,
  parseId,
  parsePositive,
  services,
  toFilter,
  withDecision,
  withFilters,
  withServiceOptions,
  type DecideOptions,
  type FilterOptions,
  type ServiceOptions,
} from './dead-letters-options';
import { discardText, listText, progressText, replayText, showText } from './dead-letters-text';
import { EXIT, UsageError } from './exit';
import { parseTyped } from './input';
import { print, say } from './output';

interface ListOptions extends ServiceOptions, FilterOptions {
  state: DeadLetterState | 'all';
  limit: number;
}

interface ReplayCommandOptions extends DecideOptions {
  rate: number;
  canary: number;
  watch: number;
  limit?: number;
}

const WHERE_HELP = `
Works on the order database of ORDERS_DATABASE_URL, or, without it, on that of the running local stack.`;

const LIST_HELP = `${WHERE_HELP}

Example:
  $ order-dispatch dead-letters list
  $ order-dispatch dead-letters list --reason MalformedMessage --since 2h
  $ order-dispatch dead-letters list --state all --order o-1001 --json`;

const SHOW_HELP = `${WHERE_HELP}

Example:
  $ order-dispatch dead-letters show 42
  $ order-dispatch dead-letters show 42 --content`;

const REPLAY_HELP = `
Each message goes back to its source queue, the oldest first, and is marked once the broker has
confirmed it. Safe to repeat: the receivers know a message that they have had.

First the canaries (--canary): the rest goes only when none of them is a dead letter again within
--watch seconds, and stops when one is later. A malformed message comes back at once, one that its
consumer tries five times after 15 s: both are caught before the rest goes.
Canaries need the receivers and the supplement system running, which records those that fail.

Exits with 1 where it stopped because a message failed, with 3 where the broker or a receiver is away;
what was not confirmed is open still, and the same command goes on from there.
${WHERE_HELP}
The broker is that of AMQP_URL, or the local stack's.

Examples:
  $ order-dispatch dead-letters replay --reason MalformedMessage --dry-run --actor mia --note "1.2.1"
  $ order-dispatch dead-letters replay --reason MalformedMessage --actor mia --note "fixed in 1.2.1"
  $ order-dispatch dead-letters replay 42 43 --actor mia --note "the map is back"`;

const DISCARD_HELP = `
Nobody will handle a discarded message. It stays listed (--state discarded) until it is pruned.
${WHERE_HELP}

Example:
  $ order-dispatch dead-letters discard 42 --actor mia --note "a test message"`;

/** `dead-letters`: the messages that their consumers gave up on. */
export function addDeadLettersCommands(program: Command): void {
  const deadLetters = program
    .command('dead-letters')
    .description('The dead letters: messages that their consumer gave up on.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch dead-letters list');
  const states = [...DEAD_LETTER_STATES, 'all'];
  withServiceOptions(withFilters(deadLetters.command('list')))
    .description('List dead letters, counted by reason first.')
    .addOption(new Option('--state <state>', 'in this state').choices(states).default('open'))
    .option('--limit <count>', 'rows under the counts', parseCount, 20)
    .addHelpText('after', LIST_HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
  withServiceOptions(deadLetters.command('show'))
    .description('Show a dead letter: why it failed, and the commands that decide about it.')
    .argument('<ID>', 'the ID of `dead-letters list`', parseId)
    .option('--content', "print the message's content, too, which may be personal")
    .addHelpText('after', SHOW_HELP)
    .action((id: string, _, command: Command) => show(id, command.optsWithGlobals()));
  withDecision(withServiceOptions(withFilters(deadLetters.command('replay'))))
    .description('Replay open dead letters: their messages go back to where they failed.')
    .addOption(
      new Option('--amqp-url <url>', 'the broker; the variable keeps it out of the process list')
        .env('AMQP_URL')
        .argParser(parseAmqpUrl),
    )
    .option('--rate <count>', 'messages per second', parsePositive, 10)
    .option('--canary <count>', 'how many must succeed before the rest goes', parseCount, 3)
    .option('--watch <seconds>', 'how long a canary may fail', parseCount, 20)
    .option('--limit <count>', 'at most so many', parsePositive)
    .addHelpText('after', REPLAY_HELP)
    .action((ids: string[], _, command: Command) => replay(ids, command.optsWithGlobals()));
  withDecision(withServiceOptions(withFilters(deadLetters.command('discard'))))
    .description('Discard open dead letters for good.')
    .addHelpText('after', DISCARD_HELP)
    .action((ids: string[], _, command: Command) => discard(ids, command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { state, limit } = options;
  const filter: DeadLetterFilter = { ...toFilter(options), ...(state !== 'all' && { state }) };
  await withDeadLetters(services(options).ordersDatabaseUrl, async (database) => {
    const found = await listDeadLetters({ database, filter, limit });
    print(options, found, listText(found));
  });
}

async function show(id: string, options: ServiceOptions & { content?: boolean }): Promise<void> {
  const { content = false } = options;
  await withDeadLetters(services(options).ordersDatabaseUrl, async (database) => {
    const shown = await showDeadLetter({ database, id, content });
    print(options, shown, showText(shown));
  });
}

async function replay(ids: string[], options: ReplayCommandOptions): Promise<void> {
  const { dryRun = false, rate: ratePerSecond, canary, watch, limit } = options;
  const decision = parseTyped(() => parseDecision(options));
  const filter = chosen(ids, options);
  const { ordersDatabaseUrl, amqpUrl } = services(options);
  if (amqpUrl === undefined) throw new UsageError('AMQP_URL is not set: where is the broker?');
  await withDeadLetters(ordersDatabaseUrl, async (database) => {
    const report = await replayDeadLetters({
      database,
      amqpUrl,
      log: silentLogger(),
      filter,
      ...decision,
      dryRun,
      ratePerSecond,
      canary,
      watchMs: watch * 1_000,
      ...(limit !== undefined && { limit }),
      onProgress: (progress) => say(progressText(progress)),
    });
    print(options, report, replayText(report));
    const because = report.stopped?.because;
    if (because === 'brokerUnavailable' || because === 'noConsumer') {
      process.exitCode = EXIT.unreachable;
    } else if (because || report.matched < Math.min(ids.length, limit ?? Infinity)) {
      process.exitCode = EXIT.refused;
    }
  });
}

async function discard(ids: string[], options: DecideOptions): Promise<void> {
  const { dryRun = false } = options;
  const decision = parseTyped(() => parseDecision(options));
  const filter = chosen(ids, options);
  await withDeadLetters(services(options).ordersDatabaseUrl, async (database) => {
    const report = await discardDeadLetters({ database, filter, ...decision, dryRun });
    const { matched } = report;
    print(options, report, discardText(report));
    if (matched < ids.length) process.exitCode = EXIT.refused;
  });
}
