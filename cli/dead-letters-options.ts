import { InvalidArgumentError, Option, type Command } from 'commander';
import { QUEUES } from '../domain/amqp-names';
import type { DeadLetterFilter } from '../operations/dead-letters';
import { readDatabaseUrls } from '../runtime/config';
import {
  DATABASE_SOURCES,
  resolveOrderServices,
  type DatabaseSource,
  type OrderServices,
} from './databases';
import { UsageError } from './exit';
import { parseOrderId, parseSince } from './input';
import { say, type OutputOptions } from './output';
import { findLocalStack } from './session';

/** Where the dead letters are. */
export interface ServiceOptions extends OutputOptions {
  from?: DatabaseSource;
  amqpUrl?: string;
}

/** Which dead letters. */
export interface FilterOptions {
  reason?: string;
  queue?: string;
  order?: string;
  since?: Date;
}

/** Which dead letters are decided about, by whom and why. */
export interface DecideOptions extends ServiceOptions, FilterOptions {
  actor: string;
  note: string;
  all?: boolean;
  dryRun?: boolean;
}

/** Adds the options by which dead letters are found. */
export function withFilters(command: Command): Command {
  return command
    .option('--reason <text>', 'what the reason contains')
    .addOption(new Option('--queue <name>', 'the source queue').choices(Object.values(QUEUES)))
    .option('--order <id>', 'the order that the message is about')
    .option(
      '--since <time>',
      'failed last since then: 30m, 2h, 3d or an ISO 8601 time',
      parseSince,
    );
}

/** Adds the option that chooses between environment and local stack. */
export function withServiceOptions(command: Command): Command {
  return command.addOption(
    new Option('--from <source>', 'whose database, where both are there').choices(DATABASE_SOURCES),
  );
}

/** Adds what every decision about dead letters takes: which, who, why. */
export function withDecision(command: Command): Command {
  return command
    .argument('[ID...]', 'IDs of `dead-letters list`; or say which by filters, or --all', parseIds)
    .option('--all', 'all that are open')
    .requiredOption('--actor <name>', 'who decides')
    .requiredOption('--note <text>', 'why')
    .option('--dry-run', 'only count');
}

/** Decides where the dead letters are, and says it. */
export function services(options: ServiceOptions): OrderServices {
  const { orders } = readDatabaseUrls();
  const found = resolveOrderServices({
    from: options.from,
    environment: {
      ...(orders !== undefined && { ordersDatabaseUrl: orders }),
      ...(options.amqpUrl !== undefined && { amqpUrl: options.amqpUrl }),
    },
    stack: findLocalStack(),
  });
  say(`target: ${found.description}`);
  return found;
}

/** The filters that were typed. */
export function toFilter({ reason, queue, order, since }: FilterOptions): DeadLetterFilter {
  return {
    ...(reason !== undefined && { deadLetterReason: reason }),
    ...(queue !== undefined && { sourceQueue: queue }),
    ...(order !== undefined && { orderId: parseOrderId(order) }),
    ...(since && { since }),
  };
}

/** What a replay or a discard is about: said, never guessed. */
export function chosen(ids: string[], options: DecideOptions): DeadLetterFilter {
  const filter = { ...toFilter(options), ...(ids.length > 0 && { ids }) };
  if (Object.keys(filter).length > 0 || options.all) return filter;
  throw new UsageError('say which dead letters: by ID, by filters (--reason, ...), or --all');
}

/** Checks the ID of a dead letter. */
export function parseId(typed: string): string {
  if (/^[1-9]\d{0,17}$/.test(typed)) return typed;
  throw new InvalidArgumentError('An ID is a number of `dead-letters list`.');
}

function parseIds(typed: string, before: string[] | undefined): string[] {
  return [...(before ?? []), parseId(typed)];
}

/** Checks a whole number. */
export function parseCount(typed: string): number {
  if (/^\d{1,6}$/.test(typed)) return Number(typed);
  throw new InvalidArgumentError('It is a whole number.');
}

/** Checks a whole number that is at least 1. */
export function parsePositive(typed: string): number {
  const count = parseCount(typed);
  if (count > 0) return count;
  throw new InvalidArgumentError('It is at least 1.');
}

/** Checks the broker's URL; an error never shows it, since it carries a password. */
export function parseAmqpUrl(typed: string): string {
  if (URL.canParse(typed) && /^amqps?:$/.test(new URL(typed).protocol)) return typed;
  throw new UsageError(
    '--amqp-url or AMQP_URL: must be a URL that starts with amqp:// or amqps://',
  );
}
