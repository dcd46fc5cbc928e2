import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The clone. */
export const ROOT = join(__dirname, '..');

/** The documents for people, relative to the clone. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Reads a document. */
export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A fenced block of a document. */
export interface Block {
  path: string;
  /** The line before its first one. */
  line: number;
  language: string;
  code: string;
}

/** The fenced blocks of some documents, in their order. */
export function blocksOf(paths: readonly string[], language: string): Block[] {
  return paths
    .flatMap((path) => {
      const text = readDocument(path);
      return [...text.matchAll(FENCED)].map(([, found = '', code = ''], index): Block => {
        const at = [...text.matchAll(FENCED)][index]?.index ?? 0;
        return { path, line: text.slice(0, at).split('\n').length, language: found, code };
      });
    })
    .filter((block) => block.language === language);
}

const FENCED = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** A document without its fenced blocks. */
export function proseOf(path: string): string {
  return readDocument(path).replace(FENCED, '');
}

/** The anchors that a document's headings have on GitHub. */
export function anchorsOf(path: string): string[] {
  return [...proseOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

/** Where a document's links lead, as written. */
export function linksOf(path: string): string[] {
  return [...proseOf(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** What stands in a document's code spans. */
export function codeSpansOf(path: string): string[] {
  return [...proseOf(path).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/**
 * The rows of a document's tables, as arrays of cells without backticks.
 *
 * @param firstHeader what stands at the top of the first column
 * @param heading only the tables between this heading and the next one
 */
export function tableRows(
  path: string,
  { firstHeader, heading }: { firstHeader?: string; heading?: string },
): string[][] {
  const text = proseOf(path);
  const sections =
    heading === undefined
      ? [text]
      : text.split(/^#+ /m).filter((section) => section.startsWith(`${heading}\n`));
  const tables = sections.flatMap((section) => section.match(/(?:^\|.*\n?)+/gm) ?? []);
  return tables
    .map((table) =>
      table
        .trim()
        .split('\n')
        .map((row) =>
          row
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim().replaceAll('`', '')),
        ),
    )
    .filter(([header]) => firstHeader === undefined || header?.[0] === firstHeader)
    .flatMap(([, , ...rows]) => rows);
}
