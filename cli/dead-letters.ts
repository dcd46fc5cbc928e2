import { Option, type Command } from 'commander';
import type { Act } from '../domain/act';
import { DEAD_LETTER_STATES, type DeadLetterState } from '../domain/dead-letter-state';
import type { DeadLetterFilter } from '../operations/dead-letters';
import {
  chosen,
  parseId,
  toFilter,
  withAct,
  withFilters,
  type ActOptions,
  type FilterOptions,
} from './dead-letters-options';
import { discardText, listText, progressText, replayText, showText } from './dead-letters-text';
import { confirm } from './confirm';
import { UsageError } from '../domain/errors';
import { EXIT } from './exit';
import { parseTyped, wholeNumberOption } from './options';
import { print, say, type OutputOptions } from './output';
import { chooseTarget, withDatabases } from './open-services';
import type { TargetOptions } from './target-options';

interface ListOptions extends TargetOptions, OutputOptions, FilterOptions {
  state: DeadLetterState | 'all';
  limit: number;
}

interface ShowOptions extends TargetOptions, OutputOptions {
  content?: boolean;
}

interface ReplayCommandOptions extends ActOptions {
  rate: number;
  canary: number;
  watch: number;
  limit?: number;
}

const MAXIMUM_ROWS = 10_000;

const MAXIMUM_REPLAYED = 1_000_000;

const MAXIMUM_PER_SECOND = 10_000;

const MAXIMUM_WATCH_SECONDS = 3_600;

const LIST_HELP = `
Works on the order database.

Example:
  $ order-dispatch dead-letters list
  $ order-dispatch dead-letters list --reason MalformedMessage --since 2h
  $ order-dispatch dead-letters list --limit 10000 --json | jq -r '.[].deadLetterReason'`;

const SHOW_HELP = `
Works on the order database.

Example:
  $ order-dispatch dead-letters show 42
  $ order-dispatch dead-letters show 42 --content`;

const REPLAY_HELP = `
Each message goes back to its source queue, the oldest first, and is marked once
the broker has confirmed it. Safe to repeat: the receivers know a message that
they have had.

First the canaries (--canary): the rest goes only when none of them is a dead
letter again within --watch seconds, and stops when one is later. A malformed
message comes back at once, one that its consumer tries five times after 15 s:
both are caught before the rest goes. Canaries need the receivers and the
supplement system running, which records those that fail.

Exits with 1 where it stopped because a message failed, with 3 where the broker
or a receiver is away; what was not confirmed is open still, and the same
command goes on from there.

Works on the order database, and publishes to the broker.

Examples:
  $ order-dispatch dead-letters replay --reason MalformedMessage --dry-run --actor mia --note "1.2.1"
  $ order-dispatch dead-letters replay --reason MalformedMessage --actor mia --note "fixed in 1.2.1"
  $ order-dispatch dead-letters replay 42 43 --actor mia --note "the map is back"`;

const DISCARD_HELP = `
Nobody will handle a discarded message. It stays listed (--state discarded)
until it is pruned. With --all it asks first, or, without a terminal, wants
--yes.

Works on the order database.

Example:
  $ order-dispatch dead-letters discard 42 --actor mia --note "a test message"`;

/** `dead-letters`: the messages that their consumers gave up on. */
export function addDeadLettersCommands(program: Command): void {
  const deadLetters = program
    .command('dead-letters')
    .description('The dead letters: messages that their consumer gave up on.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch dead-letters list');
  const states = [...DEAD_LETTER_STATES, 'all'];
  withFilters(deadLetters.command('list'))
    .description('List dead letters, counted by reason first.')
    .addOption(new Option('--state <state>', 'in this state').choices(states).default('open'))
    .addOption(
      wholeNumberOption('--limit <rows>', 'rows under the counts', {
        minimum: 0,
        maximum: MAXIMUM_ROWS,
        default: 20,
      }),
    )
    .addHelpText('after', LIST_HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
  deadLetters
    .command('show')
    .description('Show a dead letter: why it failed, and the commands that act on it.')
    .argument('<ID>', 'the ID of `dead-letters list`', parseId)
    .option('--content', "print the message's content, too, which may be personal")
    .addHelpText('after', SHOW_HELP)
    .action((id: string, _, command: Command) => show(id, command.optsWithGlobals()));
  withAct(deadLetters.command('replay'))
    .description('Replay open dead letters: their messages go back to where they failed.')
    .option('--amqp-url <url>', 'the broker; AMQP_URL keeps it out of the process list')
    .addOption(
      wholeNumberOption('--rate <count>', 'messages per second', {
        minimum: 1,
        maximum: MAXIMUM_PER_SECOND,
        default: 10,
      }),
    )
    .addOption(
      wholeNumberOption('--canary <count>', 'how many must succeed before the rest goes', {
        minimum: 0,
        maximum: MAXIMUM_ROWS,
        default: 3,
      }),
    )
    .addOption(
      wholeNumberOption('--watch <seconds>', 'how long a canary may fail', {
        minimum: 0,
        maximum: MAXIMUM_WATCH_SECONDS,
        default: 20,
      }),
    )
    .addOption(
      wholeNumberOption('--limit <count>', 'at most so many', {
        minimum: 1,
        maximum: MAXIMUM_REPLAYED,
      }),
    )
    .addHelpText('after', REPLAY_HELP)
    .action((ids: string[], _, command: Command) => replay(ids, command.optsWithGlobals()));
  withAct(deadLetters.command('discard'))
    .description('Discard open dead letters for good.')
    .option('--yes', 'do not ask whether all are meant')
    .addHelpText('after', DISCARD_HELP)
    .action((ids: string[], _, command: Command) => discard(ids, command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { state, limit } = options;
  const filter: DeadLetterFilter = { ...toFilter(options), ...(state !== 'all' && { state }) };
  const { services, nextCommand } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { listDeadLetters } = await import('../operations/dead-letters.js');
    const found = await listDeadLetters({ database: orders, filter, limit });
    print(options, found.rows, listText(found, nextCommand));
  });
}

async function show(id: string, options: ShowOptions): Promise<void> {
  const { content = false } = options;
  const { services, nextCommand } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { showDeadLetter } = await import('../operations/dead-letters.js');
    const shown = await showDeadLetter({ database: orders, id, content });
    print(options, shown, showText(shown, nextCommand));
  });
}

async function replay(ids: string[], options: ReplayCommandOptions): Promise<void> {
  const { dryRun = false, rate: ratePerSecond, canary, watch, limit } = options;
  const act = await readAct(options);
  const filter = chosen(ids, options);
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl', 'amqpUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { replayDeadLetters } = await import('../operations/dead-letters-replay.js');
    const { silentLogger } = await import('../runtime/logger.js');
    const report = await replayDeadLetters({
      database: orders,
      amqpUrl: services.amqpUrl,
      log: silentLogger(),
      filter,
      ...act,
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

async function discard(ids: string[], options: ActOptions): Promise<void> {
  const { dryRun = false } = options;
  const act = await readAct(options);
  const filter = chosen(ids, options);
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { discardDeadLetters } = await import('../operations/dead-letters.js');
    if (options.all && !dryRun && !options.yes) {
      const { matched } = await discardDeadLetters({
        database: orders,
        filter,
        ...act,
        dryRun: true,
      });
      const question = `discard ${matched} open dead letters for good?`;
      if (matched > 0 && !(await confirm(question))) throw new UsageError('nothing was discarded');
    }
    const report = await discardDeadLetters({ database: orders, filter, ...act, dryRun });
    const { matched } = report;
    print(options, report, discardText(report));
    if (matched < ids.length) process.exitCode = EXIT.refused;
  });
}

async function readAct(options: ActOptions): Promise<Act> {
  const { parseAct } = await import('../domain/act.js');
  return parseTyped(() => parseAct(options));
}
