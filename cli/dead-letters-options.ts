import { Option, type Command } from 'commander';
import { QUEUES } from '../domain/amqp-names';
import type { DeadLetterFilter } from '../operations/dead-letters';
import { UsageError } from '../domain/errors';
import { orderOption, rowIdParser, sinceOption } from './options';
import type { OutputOptions } from './output';
import type { TargetOptions } from './target-options';

/** Which dead letters. */
export interface FilterOptions {
  reason?: string;
  queue?: string;
  order?: string;
  since?: Date;
}

/** An act on dead letters: which, by whom and why. */
export interface ActOptions extends TargetOptions, OutputOptions, FilterOptions {
  actor: string;
  note: string;
  all?: boolean;
  dryRun?: boolean;
  /** Only `discard` has it. */
  yes?: boolean;
}

/** Adds the options by which dead letters are found. */
export function withFilters(command: Command): Command {
  return command
    .option('--reason <text>', 'what the reason contains')
    .addOption(new Option('--queue <name>', 'the source queue').choices(Object.values(QUEUES)))
    .addOption(orderOption('the order that the message is about'))
    .addOption(sinceOption('failed last since then'));
}

/** Adds what every act on dead letters takes: which, who, why. */
export function withAct(command: Command): Command {
  return withFilters(command)
    .argument('[ID...]', 'IDs of `dead-letters list`; or say which by filters, or --all', parseIds)
    .option('--all', 'all that are open')
    .requiredOption('--actor <name>', 'who acts')
    .requiredOption('--note <text>', 'why')
    .option('--dry-run', 'only count');
}

/** The filters that were typed. */
export function toFilter({ reason, queue, order, since }: FilterOptions): DeadLetterFilter {
  return {
    ...(reason !== undefined && { deadLetterReason: reason }),
    ...(queue !== undefined && { sourceQueue: queue }),
    ...(order !== undefined && { orderId: order }),
    ...(since && { since }),
  };
}

/** What a replay or a discard is about: said, never guessed. */
export function chosen(ids: string[], options: ActOptions): DeadLetterFilter {
  const filter = { ...toFilter(options), ...(ids.length > 0 && { ids }) };
  if (Object.keys(filter).length > 0 || options.all) return filter;
  throw new UsageError('say which dead letters: by ID, by filters (--reason, ...), or --all');
}

/** Checks the ID of a dead letter. */
export const parseId = rowIdParser('dead-letters list');

function parseIds(typed: string, before: string[] | undefined): string[] {
  return [...(before ?? []), parseId(typed)];
}
