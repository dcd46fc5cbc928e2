import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { UsageError } from '../domain/errors';

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
      : /end of JSON/.test((error as Error).message)
        ? ' (it ends too early)'
        : '';
    throw new UsageError(`${what} is not JSON${place}`);
  }
}
