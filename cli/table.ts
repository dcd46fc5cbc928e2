import Table from 'cli-table3';
import { colours, columns, wrapped } from './output';

/** What is on both sides of a line in a table. */
const FRAME = '│ '.length * 2;

/** One thing of a list. */
export interface Entry {
  /** What is long, or to be copied: above the cells, each on a line of its own as far as it fits. */
  titles: readonly string[];
  cells: readonly (string | number)[];
}

/** A table for a person; `push` adds its rows. */
export function createTable(
  head: string[],
  look: { colAligns?: ('left' | 'right')[] } = {},
): Table.Table {
  return new Table({
    head,
    // The table's own colours do not ask whether there is a terminal.
    style: { head: [], border: [], compact: true },
    ...look,
  });
}

/** A table of entries, whose titles span all columns, so that no order ID is cut. */
export function entriesTable(head: string[], entries: readonly Entry[]): string {
  const table = createTable(head);
  for (const { titles, cells } of entries) {
    const content = titles.map((title) => colours.bold(withinFrame(title))).join('\n');
    if (content !== '') table.push([{ content, colSpan: head.length }]);
    table.push([...cells]);
  }
  return table.toString();
}

/** A text of a cell over as many lines as it needs; a longer word is broken, so that the table fits. */
export function withinCell(text: string, width: number): string {
  const broken = text.replace(new RegExp(`\\S{${width - 2}}(?=\\S)`, 'g'), '$& ');
  return wrapped(broken, '', width);
}

function withinFrame(text: string): string {
  return withinCell(text, columns() - FRAME);
}
