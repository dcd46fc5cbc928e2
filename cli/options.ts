import { Option } from 'commander';
import { ORDER_ID_PATTERN, ORDER_ID_RULE } from '../domain/order-id';
import { orderIdOfWorkflow } from '../domain/temporal-names';
import { UsageError } from '../domain/errors';

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

const RATE_MAX = 1_000;

/** The option `--rate`: so many a second, `20/s` or `20`. */
export function rateOption(flags: string, description: string): Option {
  const option = new Option(flags, `${description}: 20/s`);
  return option.argParser((typed) => {
    const [, digits = ''] = /^(\d{1,4})(?:\/s)?$/.exec(typed) ?? [];
    const rate = Number(digits);
    if (rate >= 1 && rate <= RATE_MAX) return rate;
    throw new UsageError(`${option.long}: must be from 1/s to ${RATE_MAX}/s`);
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
  return timeOption('--since <time>', description, -1);
}

/**
 * An option that takes a time: how far from now, or when.
 *
 * @param direction -1 for the past, 1 for the future.
 */
export function timeOption(flags: string, description: string, direction: -1 | 1): Option {
  const option = new Option(flags, `${description}: 30m, 24h, 7d or an ISO 8601 time`);
  return option.argParser((typed) => {
    const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(typed) ?? [];
    const time =
      count === undefined
        ? Date.parse(typed)
        : Date.now() + direction * Number(count) * (UNITS_MS[unit] ?? 0);
    if (count !== undefined || (ISO_TIME.test(typed) && !Number.isNaN(time))) return new Date(time);
    throw new UsageError(`${option.long}: must be 30m, 24h, 7d or like 2026-11-23T12:00:00Z`);
  });
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** The argument `ORDER`. */
export function parseOrderId(typed: string): string {
  return checkOrderId('ORDER', typed);
}

/** The argument `ORDER|TASKID`. */
export function parseTaskArgument(typed: string): string {
  if (/^health\/[A-Za-z]+$/.test(typed)) return typed;
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
