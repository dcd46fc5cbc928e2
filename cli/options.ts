import { Option } from 'commander';
import { ORDER_ID_PATTERN, ORDER_ID_RULE } from '../domain/order-id';
import { orderIdOfWorkflow } from '../domain/temporal-names';
import { UsageError } from './exit';

// Parsers of what is typed. Each error is one line that names the option or the argument.

/** An option that takes a whole number of a range. */
export function wholeNumberOption(
  flags: string,
  description: string,
  range: { minimum: number; maximum: number; default?: number },
): Option {
  const option = new Option(flags, description).default(range.default);
  return option.argParser((typed) => {
    const number = /^\d+$/.test(typed) ? Number(typed) : NaN;
    if (number >= range.minimum && number <= range.maximum) return number;
    throw new UsageError(
      `${option.long}: must be a whole number from ${range.minimum} to ${range.maximum}`,
    );
  });
}

/** The option `--order`. */
export function orderOption(description: string): Option {
  return new Option('--order <id>', description).argParser((typed) =>
    checkOrderId('--order', typed),
  );
}

/** The option `--since`: how long ago, or when. */
export function sinceOption(description: string): Option {
  const flags = '--since <time>';
  return new Option(flags, `${description}: 30m, 24h, 7d or an ISO 8601 time`).argParser(
    parseSince,
  );
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

function parseSince(typed: string): Date {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(typed) ?? [];
  const time =
    count === undefined ? Date.parse(typed) : Date.now() - Number(count) * (UNITS_MS[unit] ?? 0);
  if (count !== undefined || (ISO_TIME.test(typed) && !Number.isNaN(time))) return new Date(time);
  throw new UsageError('--since: must be 30m, 24h, 7d or like 2026-11-23T12:00:00Z');
}

/** The argument `ORDER`. */
export function parseOrderId(typed: string): string {
  return checkOrderId('ORDER', typed);
}

/** The argument `ORDER|TASKID`. */
export function parseTaskArgument(typed: string): string {
  checkOrderId('ORDER', orderIdOfWorkflow(typed) ?? typed);
  return typed;
}

/** A parser of the argument `ID`, which is a number of the given list. */
export function rowIdParser(list: string): (typed: string) => string {
  return (typed) => {
    if (/^[1-9]\d{0,17}$/.test(typed)) return typed;
    throw new UsageError(`ID: must be a number of \`${list}\``);
  };
}

/**
 * Parses options with the domain's own parser, and names them as they were typed.
 *
 * @throws {@link UsageError} that names each bad option: `--actor` for `resolution.actor`.
 */
export function parseTyped<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    const { message } = error as Error;
    const named = message.replace(/\b(?:resolution|cancel|act)\.(\w+):/g, (_, field: string) =>
      field === 'courierId' ? '--courier:' : `--${field}:`,
    );
    throw new UsageError(named, { cause: error });
  }
}

function checkOrderId(name: string, typed: string): string {
  if (ORDER_ID_PATTERN.test(typed)) return typed;
  throw new UsageError(`${name}: ${ORDER_ID_RULE}`);
}
