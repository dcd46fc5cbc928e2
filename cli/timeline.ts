import type { Command } from 'commander';
import type { TimelineEntry } from '../domain/timeline';
import { chooseTarget, tryTemporal } from './open-services';
import { parseOrderId } from './options';
import { print, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import { formatMoment } from './times';

const HELP = `
Reads Temporal's histories, and the order database where it is known where that
is. What both know is told once. Of the attempts between the first and the last
Temporal keeps the number only. After its retention the database alone tells.

Examples:
  $ order-dispatch timeline o-1001
  $ order-dispatch timeline o-1001 --json | jq -r '.entries[].what'`;

/** `timeline`: what happened to an order. */
export function addTimelineCommand(program: Command): void {
  program
    .command('timeline')
    .description('Tell what happened to an order, in time order, and who did it.')
    .argument('<ORDER>', 'the order ID', parseOrderId)
    .addHelpText('after', HELP)
    .action((orderId: string, _, command: Command) => show(orderId, command.optsWithGlobals()));
}

async function show(orderId: string, options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl'],
  });
  await tryTemporal(services, async (temporal) => {
    const { readTimeline, withOrdersIfThere } = await import('../operations/timeline.js');
    const { timelineText } = await import('../domain/timeline.js');
    const timeline = await withOrdersIfThere(services, (orders) =>
      readTimeline({ temporal, ...(orders && { orders }) }, orderId),
    );
    const { entries, notKnown } = timeline;
    print(
      options,
      timeline,
      [
        ...entries.map((entry) => timelineLine(entry, timelineText(entry))),
        ...notKnown.map((what) => `not known: ${what}`),
      ].join('\n'),
    );
  });
}

/** An entry on a line. */
export function timelineLine({ at }: TimelineEntry, text: string): string {
  return `${formatMoment(at)}  ${text}`;
}
