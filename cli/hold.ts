import type { Command } from 'commander';
import { setTimeout as pause } from 'node:timers/promises';
import type { ReleaseResult } from '../domain/hold';
import type { OperatorDatabases } from '../operations/open-databases';
import { EXIT } from './exit';
import { chooseTarget, withDatabases, withTemporal, type NextCommand } from './open-services';
import { parseTyped, rateOption, wholeNumberOption } from './options';
import { print, say, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import { formatTime } from './times';

interface HoldOptions extends TargetOptions, OutputOptions {
  actor: string;
  note: string;
}

interface ReleaseOptions extends HoldOptions {
  rate: number;
  watch: number;
  wait: boolean;
}

const MAXIMUM_WATCH_SECONDS = 3_600;

/** How often a release says how far it is, in ms. */
const PROGRESS_MS = 2_000;

const HOLD_HELP = `
For when the dispatch system or the broker is away for long: without a hold each
order uses up its attempts and becomes a human task. Orders are accepted and
recorded all the while, and no request goes out until \`release\`. Cancellations
go on. What went out before, or is on its way that very moment, may still be
answered.

Example:
  $ order-dispatch hold --actor mia --note "the dispatch system is down until nine"`;

const RELEASE_HELP = `
First a few orders go out. Where they are answered within --watch seconds, the
hold ends and all others follow, no faster than --rate; where they are not, it
stays in force, and the command exits with 1. The time that an order was held is
added to its deadline. Ctrl-C ends the waiting, not the release; the same
command joins it.

Example:
  $ order-dispatch release --actor mia --note "the dispatch system is back"
  $ order-dispatch release --rate 5/s --actor mia --note "it is slow still"`;

/** `hold` and `release`: no request goes out, by a person's decision. */
export function addHoldCommands(program: Command): void {
  withAct(program.command('hold'), 'who holds')
    .description('Keep all requests at home: orders are recorded, and wait.')
    .addHelpText('after', HOLD_HELP)
    .action((_, command: Command) => holdRequests(command.optsWithGlobals()));
  withAct(program.command('release'), 'who releases')
    .description('Have the orders go on that a hold has kept at home.')
    .addOption(rateOption('--rate <orders>', 'per second, at most').default(20))
    .addOption(
      wholeNumberOption('--watch <seconds>', 'how long the first orders may take', {
        minimum: 1,
        maximum: MAXIMUM_WATCH_SECONDS,
        default: 30,
      }),
    )
    .option('--no-wait', 'begin it, and leave at once')
    .addHelpText('after', RELEASE_HELP)
    .action((_, command: Command) => releaseRequests(command.optsWithGlobals()));
}

function withAct(command: Command, who: string): Command {
  return command
    .requiredOption('--actor <name>', who)
    .requiredOption('--note <text>', 'why; others read it');
}

async function holdRequests(options: HoldOptions): Promise<void> {
  const { parseAct } = await import('../domain/act.js');
  const act = parseTyped(() => parseAct(options));
  const { services, nextCommand } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  const { hold } = await import('../operations/hold.js');
  const begun = await withDatabases(services, ({ orders }) => hold(orders, act));
  const next = nextCommand('release --actor NAME --note WHY');
  print(
    options,
    begun,
    `no request goes out any more, since ${formatTime(begun.heldAt)}; to have them go on: ${next}`,
  );
}

async function releaseRequests(options: ReleaseOptions): Promise<void> {
  const { parseAct } = await import('../domain/act.js');
  const act = parseTyped(() => parseAct(options));
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal', 'ordersDatabaseUrl'],
  });
  await withTemporal(services, ({ temporal }) =>
    withDatabases(services, async ({ orders: database }) => {
      const { release } = await import('../operations/hold.js');
      const begun = await release(
        { database, temporal },
        { ...act, ratePerSecond: options.rate, canaryWithinMs: options.watch * 1_000 },
      );
      const { workflowId, waiting } = begun;
      if (!options.wait) {
        print(options, { workflowId, waiting }, `${workflowId} releases ${orders(waiting)}`);
        return;
      }
      say(`releasing ${orders(waiting)} (Ctrl-C ends the waiting, not the release)`);
      const over = new AbortController();
      void sayProgress(database, over.signal);
      try {
        const result = await begun.result();
        print(options, { workflowId, ...result }, resultText(result, nextCommand));
        if (result.state !== 'released') process.exitCode = EXIT.refused;
      } finally {
        over.abort();
      }
    }),
  );
}

async function sayProgress(
  database: OperatorDatabases['orders'],
  signal: AbortSignal,
): Promise<void> {
  const { readHold } = await import('../operations/hold.js');
  try {
    for (;;) {
      await pause(PROGRESS_MS, undefined, { signal });
      const held = await readHold(database);
      if (held) say(`still held: ${orders(held.waiting)}`);
    }
  } catch {
    // It is over; or the database is away, which the release outlasts.
  }
}

function resultText(
  { state, released, unanswered = [] }: ReleaseResult,
  nextCommand: NextCommand,
): string {
  switch (state) {
    case 'released':
      return `released: ${orders(released)}`;
    case 'heldAgain':
      return `held again: released ${orders(released)}, and another hold keeps the rest`;
    case 'canaryFailed':
      return [
        `still held: nobody answered the first ${unanswered.length} orders in time`,
        ...unanswered.map((orderId) => `  ${nextCommand(`show ${orderId}`)}`),
      ].join('\n');
  }
}

function orders(count: number): string {
  return count === 1 ? '1 order' : `${count} orders`;
}
