import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../../api/client';
import type { BulkOverview } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { Page } from '../../parts/page';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { useRowKeys } from '../../parts/use-row-keys';
import { decisionWord } from '../../parts/words';
import { Progress } from './progress';

const COLUMNS: Columns<BulkOverview> = [
  {
    id: 'id',
    header: 'Run',
    cell: ({ row: { original } }) => (
      <Link to="/bulk/$bulkId" params={{ bulkId: String(original.run.id) }}>
        {original.run.id}: {decisionWord(original.run.decision).label.toLowerCase()}
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    cell: ({ row }) => <StatusText status={row.original.run.state} />,
  },
  {
    id: 'progress',
    header: 'Tasks',
    cell: ({ row }) => <Progress counts={row.original.counts} isSmall />,
  },
  { id: 'who', header: 'Who', meta: { isMinor: true }, cell: ({ row }) => row.original.run.actor },
  { id: 'note', header: 'Why', meta: { isMinor: true }, cell: ({ row }) => row.original.run.note },
  { id: 'at', header: 'Begun', cell: ({ row }) => <Ago at={row.original.run.createdAt} /> },
];

/** Decisions about many tasks at once. */
export function BulkRuns() {
  const { data, error, refetch } = useQuery({ queryKey: ['bulk', 'list'], queryFn: api.bulkRuns });
  const rows = data?.runs ?? [];
  const cursor = useRowKeys(rows);
  return (
    <Page title="Bulk runs">
      {error && <ProblemNote error={error} retry={refetch} />}
      {!data && !error && <Reading what="the runs" />}
      {data && rows.length === 0 && (
        <Empty title="Nothing was decided about many tasks">
          <p>
            In the inbox, <kbd>x</kbd> selects tasks. What is decided about them then first runs
            dry, and says how many that is; a run goes on by itself, and can be aborted.
          </p>
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Bulk runs"
          columns={COLUMNS}
          rows={rows}
          idOf={({ run }) => String(run.id)}
          isCursor={(row) => row === cursor}
        />
      )}
    </Page>
  );
}
