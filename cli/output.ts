import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';
import { overLines, programName } from './typed-command';

/** What every command can be told about its output. */
export interface OutputOptions {
  json?: boolean;
}

/** How wide a line is at most, unless it is one word that cannot be broken. */
export const COLUMNS = 80;

/** How wide a line of a result is at most: a wider terminal is used. */
export function columns(): number {
  return Math.max(COLUMNS, process.stdout.isTTY ? process.stdout.columns : 0);
}

/** Colours: only on a terminal, and never with `NO_COLOR`, which picocolors reads. */
export const colours = picocolors.createColors(
  // Without a terminal `isTTY` is absent, and createColors would ask the environment instead.
  picocolors.isColorSupported && Boolean(process.stdout.isTTY as boolean | undefined),
);

/**
 * Prints a command's result on stdout: as JSON where that is asked for, else as text, which a long list
 * makes only then.
 */
export function print(options: OutputOptions, data: unknown, text: string | (() => string)): void {
  if (options.json) {
    process.stdout.write(`${JSON.stringify(data, undefined, 2)}\n`);
    return;
  }
  const shown = typeof text === 'string' ? text : text();
  process.stdout.write(`${fitted(printable(shown))}\n`);
}

/** Says something on stderr, where it does not mix with the result. */
export function say(text: string): void {
  process.stderr.write(`${fitted(printable(text))}\n`);
}

/** What is recorded may hold what moves a terminal's cursor: that is shown, not done. Our colours stay. */
function printable(text: string): string {
  return text.replace(CONTROL, (found) =>
    found.length > 1 && colours.isColorSupported
      ? found
      : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}${found.slice(1)}`,
  );
}

/** All but line breaks; a colour, which begins with one, is a match of its own. */
const CONTROL = /\p{Cc}\[\d+m|(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Names and values below one another; a value may have several lines, an absent one is left out.
 *
 * @param width of the whole. @default as wide as a line may be
 */
export function fields(
  rows: Readonly<Record<string, string | undefined>>,
  width: number = columns(),
): string {
  const given = Object.entries(rows).filter(([, value]) => value !== undefined);
  const indent = Math.max(...given.map(([name]) => name.length)) + 2;
  return given
    .map(([name, value = '']) => {
      const beside = wrappedLines(value, width - indent);
      if (beside.every((line) => widthOf(line) <= width - indent)) {
        const lines = beside.join(`\n${' '.repeat(indent)}`);
        return `${colours.bold(name.padEnd(indent))}${lines}`;
      }
      // A word that is too long beside the name has more room below it.
      return [colours.bold(name), ...wrappedLines(value, width - 2)].join('\n  ');
    })
    .join('\n');
}

/** Words over as many lines as they need, each after `indent`, those after the first deeper. */
export function wrapped(text: string, indent: string, width: number = COLUMNS): string {
  const lines: string[] = [];
  for (const [, gap = '', word = ''] of text.matchAll(WORD)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + gap.length + widthOf(word) <= width) {
      lines[lines.length - 1] = `${last}${gap}${word}`;
    } else lines.push(last === undefined ? `${indent}${word}` : `${indent}  ${word}`);
  }
  return lines.join('\n');
}

/** What stays on one line, and the gap before it: a short text between backticks is typed as it is. */
const WORD = /(\s*)((?:`[^`\n]{1,60}`|\S)+)/g;

/** A command as a person pastes it, each line after `indent`. */
export function commandLines(command: string, indent: string): string {
  return overLines(command, columns() - indent.length).replace(/^/gm, indent);
}

/**
 * Lines that are too long go on in the next: sentences between words; commands that are a line of their
 * own, or end one, so that they can be pasted.
 */
function fitted(text: string): string {
  let goesOn = false;
  const lines = text.split('\n').map((line) => {
    const isOver = goesOn || line.endsWith(' \\');
    goesOn = line.endsWith(' \\');
    return isOver ? line : fittedLine(line);
  });
  return lines.join('\n');
}

/** Broken between words, it would be no table any more. */
const TABLE_ROW = /^[│┌├└]/;

function fittedLine(line: string): string {
  if (widthOf(line) <= columns() || TABLE_ROW.test(line)) return line;
  const indent = indentOf(line);
  const at = line.indexOf(`${programName()} `);
  const before = line.slice(0, Math.max(at, 0)).trim();
  if (at < 0 || /[^:;]$/.test(before)) return wrapped(line, indent, columns());
  const command = line.slice(at);
  if (before === '') return commandLines(command, indent);
  return `${wrapped(before, indent, columns())}\n${commandLines(command, `${indent}  `)}`;
}

function wrappedLines(text: string, width: number): string[] {
  return text
    .split('\n')
    .flatMap((line) =>
      widthOf(line) <= width ? [line] : wrapped(line, indentOf(line), width).split('\n'),
    );
}

function indentOf(line: string): string {
  return /^ */.exec(line)?.[0] ?? '';
}

/** In characters, without colours. */
function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

const MINUTE_MS = 60_000;

/** How long ago, in the two largest units that say something: `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(ms / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${days} d ${hours % 24} h`;
}
