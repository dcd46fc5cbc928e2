import { tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table';
import classes from './data-table.module.css';

const features = tableFeatures({});

/** A table's columns. Such with `meta.isMinor` are left out on a narrow screen. */
export type Columns<Row extends object> = ColumnDef<typeof features, Row>[];

declare module '@tanstack/react-table' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the names are the declaration's
  interface ColumnMeta<TFeatures, TData, TValue> {
    isMinor?: boolean;
    isNumber?: boolean;
  }
}

/** Rows of one kind, a line each. */
export function DataTable<Row extends object>(props: {
  caption: string;
  columns: Columns<Row>;
  rows: Row[];
  idOf: (row: Row) => string;
  isChosen?: (row: Row) => boolean;
  isCursor?: (row: Row) => boolean;
}) {
  const { caption, columns, rows, idOf, isChosen, isCursor } = props;
  const table = useTable({ features, columns, data: rows, getRowId: idOf });
  return (
    <table className={classes.table}>
      <caption className="seen-by-readers-only">{caption}</caption>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            {group.headers.map((header) => (
              <th key={header.id} scope="col" {...flags(header.column.columnDef.meta)}>
                <table.FlexRender header={header} />
              </th>
            ))}
          </tr>
        ))}
      </thead>
      <tbody>
        {table.getRowModel().rows.map((row) => (
          <tr
            key={row.id}
            data-chosen={isChosen?.(row.original) || undefined}
            data-cursor={isCursor?.(row.original) || undefined}
          >
            {row.getAllCells().map((cell) => (
              <td key={cell.id} {...flags(cell.column.columnDef.meta)}>
                <table.FlexRender cell={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function flags(meta: { isMinor?: boolean; isNumber?: boolean } | undefined) {
  return { 'data-minor': meta?.isMinor, 'data-number': meta?.isNumber };
}
