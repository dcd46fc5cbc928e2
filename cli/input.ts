import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { orderIdSchema } from '../domain/order';
import { orderIdOfTask } from '../operations/human-task-details';
import { UsageError } from './exit';

/**
 * Reads the JSON of a file, or of stdin where `path` is `-`.
 *
 * @param options.what names the file in errors: `order file`
 * @throws {@link UsageError} that never quotes the content, which may be personal.
 */
export async function readJsonFile(options: { path: string; what: string }): Promise<unknown> {
  const { path, what } = options;
  if (path === '-') return parseJson({ json: await text(process.stdin), what: `${what} on stdin` });
  const named = `${what} ${path}`;
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new UsageError(`${named} ${why}`, { cause });
  }
  return parseJson({ json, what: named });
}

/**
 * Parses JSON that a person wrote.
 *
 * @throws {@link UsageError} that says where it breaks, as far as that is known; never what is there.
 */
export function parseJson(options: { json: string; what: string }): unknown {
  const { json, what } = options;
  if (json.trim() === '') throw new UsageError(`${what} is empty`);
  try {
    return JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The engine's message quotes the text around the error: only its position is taken from it.
    const position = /at position (\d+)/.exec((error as Error).message)?.[1];
    const before = json.slice(0, Number(position)).split('\n');
    const place = position
      ? ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`
      : '';
    throw new UsageError(`${what} is not JSON${place}`);
  }
}

/**
 * Checks an order ID as it was typed.
 *
 * @throws {@link UsageError} that says what an order ID looks like.
 */
export function parseOrderId(typed: string): string {
  const parsed = orderIdSchema.safeParse(typed);
  if (parsed.success) return parsed.data;
  throw new UsageError(`ORDER: ${parsed.error.issues[0]?.message}`);
}

/**
 * The order ID of what was typed for `ORDER|TASKID`.
 *
 * @throws {@link UsageError} that says what an order ID looks like.
 */
export function parseTaskArgument(typed: string): string {
  parseOrderId(orderIdOfTask(typed));
  return typed;
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
    const named = (error as Error).message
      .replace(/\b(?:resolution|cancel)\.courierId:/g, '--courier:')
      .replace(/\b(?:resolution|cancel)\.(\w+):/g, '--$1:');
    throw new UsageError(named, { cause: error });
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses a time in the past: how long ago, or when.
 *
 * @throws InvalidArgumentError that says what it may be.
 */
export function parseSince(typed: string): Date {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(typed) ?? [];
  if (count !== undefined) return new Date(Date.now() - Number(count) * (UNITS_MS[unit] ?? 0));
  if (z.iso.datetime({ offset: true }).safeParse(typed).success) return new Date(typed);
  throw new InvalidArgumentError('It is 30m, 2h, 3d or like 2026-11-23T12:00:00Z.');
}
