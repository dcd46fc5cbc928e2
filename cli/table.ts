import Table from 'cli-table3';

/** How a table looks, beside its head. */
export interface TableLook {
  /** In characters; `null` for as wide as its cells. @default all as wide as their cells */
  colWidths?: (number | null)[];
  /** @default all to the left */
  colAligns?: ('left' | 'right')[];
}

/** A table for a person; `push` adds its rows. */
export function createTable(head: string[], look: TableLook = {}): Table.Table {
  return new Table({
    head,
    wordWrap: true,
    // The table's own colours do not ask whether there is a terminal.
    style: { head: [], border: [], compact: true },
    ...look,
  });
}
