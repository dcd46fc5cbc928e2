import picocolors from 'picocolors';

/** What every command can be told about its output. */
export interface OutputOptions {
  json?: boolean;
}

/** Colours: only on a terminal, and never with `NO_COLOR`, which picocolors reads. */
export const colours = picocolors.createColors(
  // Without a terminal `isTTY` is absent, and createColors would ask the environment instead.
  picocolors.isColorSupported && Boolean(process.stdout.isTTY as boolean | undefined),
);

/** Prints a command's result on stdout: as JSON where that is asked for, else as text. */
export function print(options: OutputOptions, data: unknown, text: string): void {
  process.stdout.write(`${options.json ? JSON.stringify(data, undefined, 2) : printable(text)}\n`);
}

/** Says something on stderr, where it does not mix with the result. */
export function say(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
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

/** Names and values below one another; a value may have several lines, an absent one is left out. */
export function fields(rows: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(rows).filter(([, value]) => value !== undefined);
  const width = Math.max(...given.map(([name]) => name.length)) + 2;
  return given
    .map(([name, value = '']) => {
      const lines = value.split('\n').join(`\n${' '.repeat(width)}`);
      return `${colours.bold(name.padEnd(width))}${lines}`;
    })
    .join('\n');
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
