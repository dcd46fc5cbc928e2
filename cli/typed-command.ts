import { realpathSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { packageRoot } from '../runtime/package-root';

/**
 * What a person types for this program, from the folder they are in: by its name where it is installed
 * for everybody, else through npx, which finds it in a project and in our own clone. Elsewhere npx would
 * ask the registry for whatever has our name, so it is told where to look.
 */
export function programName(
  root: string = packageRoot(),
  directory: string = realpathSync(process.cwd()),
): string {
  const above = dirname(root);
  const isInstalled = basename(above) === 'node_modules';
  const project = isInstalled ? dirname(above) : root;
  if (isWithin(directory, project)) return 'npx order-dispatch';
  return isInstalled ? 'order-dispatch' : `npx --prefix ${quoted(root)} order-dispatch`;
}

/** A text of ours with its commands as a person types them here. */
export function asTyped(text: string): string {
  return text.replace(
    /(`|\$ (?:[A-Z_]+=\S+ )*)order-dispatch /g,
    (_, before: string) => `${before}${programName()} `,
  );
}

/** A command that is pasted as it is, over as many lines as `columns` wants; options stay with their values. */
export function overLines(command: string, columns: number): string {
  const room = columns - '   \\'.length;
  const lines: string[] = [];
  for (const words of command.match(TOGETHER) ?? []) {
    for (const part of words.length <= room ? [words] : (words.match(SHELL_WORD) ?? [])) {
      const last = lines.at(-1);
      if (last === undefined) lines.push(part);
      else if (last.length + 1 + part.length + ' \\'.length <= columns)
        lines[lines.length - 1] = `${last} ${part}`;
      else lines.push(`  ${part}`);
    }
  }
  return lines.join(' \\\n');
}

/** A word of a shell, with what is quoted in it. */
const SHELL_WORD = /(?:'[^']*'|"[^"]*"|\\.|\S)+/g;

/** What stays on a line: npx with what it runs, an option with its value; else a word. */
const TOGETHER = new RegExp(
  String.raw`(?:(?<!\S)npx (?:--prefix )?|--[\w-]+ (?!-))?${SHELL_WORD.source}`,
  'g',
);

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function isWithin(directory: string, folder: string): boolean {
  return !/^\.\.(\/|$)/.test(relative(folder, directory));
}
