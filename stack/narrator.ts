import picocolors from 'picocolors';

/** A narrator's lines stay within this many columns; what one may want to copy is never broken. */
const COLUMNS = 96;

/** Speaks to the person at the terminal: on one stream, in colour only where that is a terminal. */
export class Narrator {
  /** Colours of the stream that it speaks on; none with `NO_COLOR`, which picocolors reads. */
  readonly colours: ReturnType<typeof picocolors.createColors>;

  constructor(private readonly stream: NodeJS.WriteStream) {
    // `isTTY` is missing, not false, where there is no terminal, and picocolors then decides by itself.
    this.colours = picocolors.createColors(stream.isTTY ? picocolors.isColorSupported : false);
  }

  /** A line as it is. */
  line(text = ''): void {
    this.stream.write(`${text}\n`);
  }

  /** A step of something that takes a while. */
  step(text: string): void {
    this.line(this.colours.dim(`  ${text}`));
  }

  heading(text: string): void {
    this.line(`\n${this.colours.bold(this.colours.cyan(text))}`);
  }

  /** Sentences, broken into lines. */
  say(text: string): void {
    for (const line of wrap(text, COLUMNS - 2)) this.line(`  ${line}`);
  }

  /** Something to copy, or to read as it is, under a name for it. */
  show(name: string, ...texts: string[]): void {
    this.line(`  ${this.colours.bold(name)}`);
    for (const text of texts.join('\n').split('\n')) this.line(text === '' ? '' : `    ${text}`);
  }

  /** Names and values below one another. */
  fields(rows: Readonly<Record<string, string>>): void {
    const width = Math.max(...Object.keys(rows).map((name) => name.length)) + 2;
    for (const [name, value] of Object.entries(rows)) {
      this.line(`  ${this.colours.bold(name.padEnd(width))}${value}`);
    }
  }

  /** Something that is not as it should be. */
  alarm(text: string): void {
    this.line(this.colours.red(this.colours.bold(`\n!! ${text}`)));
  }
}

function wrap(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
