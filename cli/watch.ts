import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Timeline } from '../operations/timeline';
import type { OperatorSession } from '../operations/operator-session';
import { DispatchUnavailable, OrderUnsettled, WaitTimedOut } from '../domain/errors';
import { EXIT } from './exit';
import { chooseTarget, withTemporal, type NextCommand } from './open-services';
import { parseOrderId } from './options';
import { print, say, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import { timelineLine } from './timeline';
import { timeoutOption, type WaitOptions } from './waiting';

/** How often it looks, in ms. */
const LOOK_EVERY_MS = 500;

/** Looks in a row that may fail: what is away for longer is no hiccup. */
const FAILED_LOOKS = 10;

const HELP = `
Prints what has happened, then what happens, line by line, until the order is
dispatched or cancelled. Ctrl-C ends the watching, not the order. With --json
each line is a JSON document of its own. Exits with 1 if it ends cancelled, or
its workflow was ended before that.

Examples:
  $ order-dispatch watch o-1001
  $ order-dispatch watch o-1001 --timeout 600`;

/** `watch`: follows an order until it is final. */
export function addWatchCommand(program: Command): void {
  program
    .command('watch')
    .description('Follow an order: print what happens to it until it is dispatched or cancelled.')
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .addOption(timeoutOption())
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => watch(orderId, command.optsWithGlobals()));
}

async function watch(
  orderId: string,
  options: TargetOptions & OutputOptions & WaitOptions,
): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl'],
  });
  const { ordersDatabaseUrl } = services;
  await withTemporal(services, (session) =>
    followOrder(session, {
      orderId,
      options,
      nextCommand,
      ...(ordersDatabaseUrl !== undefined && { ordersDatabaseUrl }),
    }),
  );
}

/**
 * Prints an order's timeline as it grows, until the order is final or a person presses Ctrl-C.
 *
 * @throws {@link WaitTimedOut}; OrderNotFound; OrderUnsettled if its workflow was ended and it is not
 * final; DispatchUnavailable where nobody answers for a while.
 */
export async function followOrder(
  session: OperatorSession,
  given: {
    orderId: string;
    ordersDatabaseUrl?: string;
    options: OutputOptions & WaitOptions;
    nextCommand: NextCommand;
  },
): Promise<void> {
  const { orderId, options, nextCommand, ordersDatabaseUrl } = given;
  const { keyOf, timelineText } = await import('../domain/timeline.js');
  const { readTimeline, withOrdersIfThere } = await import('../operations/timeline.js');
  const over = new AbortController();
  const stop = () => over.abort();
  process.once('SIGINT', stop);
  const deadline = options.timeout === undefined ? Infinity : Date.now() + options.timeout * 1_000;
  const told = new Set<string>();
  const tell = ({ entries, notKnown }: Pick<Timeline, 'entries' | 'notKnown'>) => {
    if (told.size === 0) for (const what of notKnown) say(`not known: ${what}`);
    for (const entry of entries) {
      if (told.has(keyOf(entry))) continue;
      told.add(keyOf(entry));
      printLine(options, entry, timelineLine(entry, timelineText(entry)));
    }
  };
  try {
    await withOrdersIfThere({ ...(ordersDatabaseUrl && { ordersDatabaseUrl }) }, async (orders) => {
      const sources = { temporal: session, ...(orders && { orders }) };
      let hadEnded = false;
      for (let failed = 0; !over.signal.aborted;) {
        try {
          const { owner, isFinal, endedAs, ...timeline } = await readTimeline(sources, orderId);
          failed = 0;
          tell(timeline);
          if (isFinal) {
            if (endedAs === 'cancelled') process.exitCode = EXIT.refused;
            return;
          }
          const hasEnded = owner?.state === 'ended' || owner?.state === 'gone';
          // At the first such look its status may be older than its workflow's end.
          if (hasEnded && hadEnded) throw unsettled(orderId, owner);
          hadEnded = hasEnded;
        } catch (error) {
          failed += 1;
          if (!(error instanceof DispatchUnavailable) || failed >= FAILED_LOOKS) throw error;
        }
        if (Date.now() >= deadline) {
          throw new WaitTimedOut(
            `watched ${options.timeout} s: it goes on by itself; where it stands: ${nextCommand(`why ${orderId}`)}`,
          );
        }
        await pause(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
      }
    });
  } finally {
    process.off('SIGINT', stop);
  }
}

function unsettled(
  orderId: string,
  { state, endedAs }: NonNullable<Timeline['owner']>,
): OrderUnsettled {
  const ended = endedAs === 'TERMINATED' ? 'was terminated' : `ended (${endedAs})`;
  const how = state === 'gone' ? 'is gone before the order was settled' : ended;
  return new OrderUnsettled(orderId, { how, cause: undefined });
}

/** A line of a stream: of JSON one document each, without line breaks. */
function printLine(options: OutputOptions, entry: object, text: string): void {
  if (options.json) process.stdout.write(`${JSON.stringify(entry)}\n`);
  else print(options, entry, text);
}
