import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../../api/client';
import type { BulkDetail } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { ActDialog } from '../../parts/act-dialog';
import { DataTable, type Columns } from '../../parts/data-table';
import { Id, OrderLink } from '../../parts/ids';
import { ProblemNote, Reading } from '../../parts/notices';
import { Page, Section } from '../../parts/page';
import { Prose } from '../../parts/prose';
import { StatusText } from '../../parts/status';
import { TemporalLink } from '../../parts/temporal-link';
import { Ago } from '../../parts/time';
import { counted, decisionWord } from '../../parts/words';
import { useSession } from '../../session/session';
import { Progress } from './progress';
import classes from './bulk-run.module.css';

/** How often a run is looked at while it runs, in ms, beside the hints. */
const LOOK_EVERY_MS = 2_000;

const COLUMNS: Columns<BulkDetail['rows'][number]> = [
  { accessorKey: 'n', header: 'No.', meta: { isNumber: true } },
  {
    id: 'order',
    header: 'Order',
    cell: ({ row: { original } }) =>
      original.orderId === null ? (
        <Id>{original.taskId}</Id>
      ) : (
        <OrderLink orderId={original.orderId} />
      ),
  },
  { id: 'state', header: 'State', cell: ({ row }) => <StatusText status={row.original.state} /> },
  {
    id: 'outcome',
    header: 'What came of it',
    cell: ({ row }) => <Prose text={row.original.outcome ?? ''} />,
  },
  {
    id: 'at',
    header: 'When',
    meta: { isMinor: true },
    cell: ({ row }) => row.original.endedAt && <Ago at={row.original.endedAt} />,
  },
];

/** One decision about many tasks: how far it is, and what it did not resolve. */
export function BulkRunPage() {
  const { bulkId } = useParams({ from: '/bulk/$bulkId' });
  const { data, error, refetch } = useQuery({
    queryKey: ['bulk', 'one', bulkId],
    queryFn: () => api.bulk(Number(bulkId)),
    refetchInterval: ({ state }) => (state.data?.run.state === 'running' ? LOOK_EVERY_MS : false),
  });
  return (
    <Page
      title={`Bulk run ${bulkId}`}
      about={
        data && (
          <>
            <StatusText status={data.run.state} />
            <TemporalLink workflowId={`resolve-tasks/${bulkId}`} />
          </>
        )
      }
      tools={data?.run.state === 'running' && <Abort bulkId={data.run.id} />}
    >
      {error && <ProblemNote error={error} retry={refetch} />}
      {!data && !error && <Reading what="the run" />}
      {data && <Run detail={data} />}
    </Page>
  );
}

function Run({ detail }: { detail: BulkDetail }) {
  const { run, counts, rows } = detail;
  return (
    <>
      <Section title={decisionWord(run.decision).label}>
        <div aria-live="polite">
          <Progress counts={counts} />
        </div>
        <p className={classes.facts}>
          <span>
            by <b>{run.actor}</b>, <Ago at={run.createdAt} />
            {run.note ? `: ${run.note}` : ''}
          </span>
          <span className="quiet-text">at most {run.ratePerSecond} per second</span>
        </p>
        {run.state === 'canaryFailed' && (
          <p className={classes.stopped}>
            One of the first three failed: no other task was touched.
          </p>
        )}
        {run.abortedBy !== null && (
          <p className={classes.stopped}>
            Aborted by {run.abortedBy}
            {run.abortNote ? `: ${run.abortNote}` : ''}. {counted(counts.skipped, 'task')} left as
            they were.
          </p>
        )}
        {run.state === 'running' && (
          <p className="quiet-text">It goes on by itself: this page need not stay open.</p>
        )}
      </Section>
      <Section title="Not resolved">
        {rows.length === 0 ? (
          <p className="quiet-text">
            {run.state === 'running' ? 'None so far.' : 'None.'}{' '}
            <Link to="/inbox">Back to the inbox</Link>
          </p>
        ) : (
          <DataTable
            caption="Tasks that were not resolved"
            columns={COLUMNS}
            rows={rows}
            idOf={({ n }) => String(n)}
          />
        )}
      </Section>
    </>
  );
}

function Abort({ bulkId }: { bulkId: number }) {
  const { mayManage } = useSession();
  const [isAsked, ask] = useState(false);
  if (!mayManage) return null;
  return (
    <>
      <Button color="red" onClick={() => ask(true)}>
        Abort …
      </Button>
      {isAsked && (
        <ActDialog
          title={`Abort run ${bulkId}`}
          action="Abort"
          isDrastic
          act={(note) => api.abortBulk(bulkId, note).then(() => refresh('bulk', 'tasks', 'audit'))}
          close={() => ask(false)}
        >
          <p>Tasks whose turn has not come are left as they are. What is decided stays decided.</p>
        </ActDialog>
      )}
    </>
  );
}
