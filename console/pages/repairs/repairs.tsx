import { NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import { api } from '../../api/client';
import type { RepairRow } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { OrderLink } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { Page } from '../../parts/page';
import { PageLinks } from '../../parts/page-links';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { useRowKeys } from '../../parts/use-row-keys';
import { counted, statusWord } from '../../parts/words';
import { useTaskCounts } from '../../shell/counts';
import { RepairPane } from './repair-pane';
import classes from './repairs.module.css';

const DONE = ['nothing', 'restarted', 'withdrawn', 'kept', 'withdrawalRefused'];

const COLUMNS: Columns<RepairRow> = [
  {
    id: 'found',
    header: 'Found',
    cell: ({ row: { original } }) => (
      <Link
        to="/repairs"
        search={(before) => ({ ...before, id: original.id })}
        className={classes.found}
      >
        {original.found}
      </Link>
    ),
  },
  { id: 'done', header: 'Done', cell: ({ row }) => <StatusText status={row.original.done} /> },
  { id: 'order', header: 'Order', cell: ({ row }) => <OrderLink orderId={row.original.orderId} /> },
  {
    id: 'by',
    header: 'By',
    meta: { isMinor: true },
    cell: ({ row }) => row.original.actor ?? 'a rule',
  },
  {
    id: 'at',
    header: 'When',
    meta: { isMinor: true },
    cell: ({ row }) => <Ago at={row.original.createdAt} />,
  },
];

/** What reconciliation found and did. */
export function Repairs() {
  const search = useSearch({ from: '/repairs' });
  const navigate = useNavigate({ from: '/repairs' });
  const { orderId, done, after, id } = search;
  const { data, error, refetch } = useQuery({
    queryKey: ['repairs', 'list', { orderId, done, after }],
    queryFn: () => api.repairs({ orderId, done, after, limit: 100 }),
    placeholderData: keepPreviousData,
  });
  const rows = data?.rows ?? [];
  const cursor = useRowKeys(rows);
  return (
    <Page title="Repairs" about={<Findings />} tools={<Narrow key={orderId} />}>
      <div className={classes.split} data-open={id !== undefined || undefined}>
        <div>
          {error && <ProblemNote error={error} retry={refetch} />}
          {!data && !error && <Reading what="the repairs" />}
          {data && rows.length === 0 && (
            <Empty title="Nothing was repaired">
              <p>
                For every request, and once an hour for all that changed, the supplement system
                compares the order database with the dispatch database. What does not fit together,
                and what was done about it, stands here.
              </p>
            </Empty>
          )}
          {rows.length > 0 && (
            <DataTable
              caption="Repairs"
              columns={COLUMNS}
              rows={rows}
              idOf={(row) => row.id}
              isChosen={(row) => row.id === id}
              isCursor={(row) => row === cursor}
            />
          )}
          <PageLinks after={after} next={data?.next} />
        </div>
        {id !== undefined && (
          <RepairPane
            id={id}
            close={() => void navigate({ search: { ...search, id: undefined } })}
          />
        )}
      </div>
    </Page>
  );
}

/** Findings that no rule may decide wait in the inbox. */
function Findings() {
  const groups = useTaskCounts().data?.groups ?? [];
  const open = groups.find(({ escalationReason }) => escalationReason === 'discrepancy');
  if (!open) return <span>No finding waits for a person</span>;
  return (
    <Link to="/inbox" search={{ reason: 'discrepancy' }}>
      {counted(open.count, 'finding')} for people to decide
    </Link>
  );
}

function Narrow() {
  const search = useSearch({ from: '/repairs' });
  const navigate = useNavigate({ from: '/repairs' });
  const [text, setText] = useState(search.orderId ?? '');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void navigate({
      search: { ...search, id: undefined, after: undefined, orderId: text.trim() || undefined },
    });
  };
  return (
    <form onSubmit={submit} className={classes.narrow} role="search">
      <TextInput
        type="search"
        aria-label="Order ID"
        placeholder="Order ID ( / )"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <NativeSelect
        aria-label="What was done"
        value={search.done ?? ''}
        onChange={(event) =>
          void navigate({
            search: { ...search, id: undefined, done: event.currentTarget.value || undefined },
          })
        }
        data={[
          { value: '', label: 'Whatever was done' },
          ...DONE.map((value) => ({ value, label: statusWord(value).text })),
        ]}
      />
    </form>
  );
}
