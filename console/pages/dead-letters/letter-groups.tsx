import { Link } from '@tanstack/react-router';
import type { DeadLetterPage } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { Id } from '../../parts/ids';
import { Ago } from '../../parts/time';

type Group = DeadLetterPage['groups'][number];

const COLUMNS: Columns<Group> = [
  {
    id: 'reason',
    header: 'Reason',
    cell: ({ row: { original } }) => (
      <Link
        to="/dead-letters"
        search={(before) => ({
          ...before,
          id: undefined,
          reason: original.deadLetterReason,
          sourceQueue: original.sourceQueue,
        })}
      >
        {original.deadLetterReason}
      </Link>
    ),
  },
  { id: 'queue', header: 'Queue', cell: ({ row }) => <Id>{row.original.sourceQueue}</Id> },
  { accessorKey: 'count', header: 'Messages', meta: { isNumber: true } },
  {
    id: 'first',
    header: 'First',
    meta: { isMinor: true },
    cell: ({ row }) => <Ago at={row.original.firstFailedAt} />,
  },
  {
    id: 'last',
    header: 'Last',
    meta: { isMinor: true },
    cell: ({ row }) => <Ago at={row.original.lastFailedAt} />,
  },
];

/** Dead letters counted by what went wrong and where. */
export function LetterGroups({ groups }: { groups: Group[] }) {
  return (
    <DataTable
      caption="Dead letters by reason and queue"
      columns={COLUMNS}
      rows={groups}
      idOf={({ deadLetterReason, sourceQueue }) => `${sourceQueue} ${deadLetterReason}`}
    />
  );
}
