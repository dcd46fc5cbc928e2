import { Button, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import { api } from '../../api/client';
import type { AuditRow } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { OrderLink } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { Page } from '../../parts/page';
import { PageLinks } from '../../parts/page-links';
import { Ago } from '../../parts/time';
import { useRowKeys } from '../../parts/use-row-keys';
import { decisionWord, spaced } from '../../parts/words';
import classes from './audit.module.css';

const COLUMNS: Columns<AuditRow> = [
  { id: 'at', header: 'When', cell: ({ row }) => <Ago at={row.original.at} /> },
  {
    id: 'actor',
    header: 'Who',
    cell: ({ row: { original } }) => (
      <Link to="/audit" search={(before) => ({ ...before, actor: original.actor })}>
        {original.actor}
      </Link>
    ),
  },
  {
    id: 'act',
    header: 'What',
    cell: ({ row: { original } }) => (
      <>
        {spaced(original.act)}
        {original.decision !== null && (
          <b> {decisionWord(original.decision).label.toLowerCase()}</b>
        )}
      </>
    ),
  },
  {
    id: 'order',
    header: 'Order',
    cell: ({ row }) => row.original.orderId && <OrderLink orderId={row.original.orderId} />,
  },
  { accessorKey: 'note', header: 'Why', meta: { isMinor: true } },
  { accessorKey: 'via', header: 'Via', meta: { isMinor: true } },
];

/** Who did what, when and why. */
export function Audit() {
  const search = useSearch({ from: '/audit' });
  const { data, error, refetch } = useQuery({
    queryKey: ['audit', search],
    queryFn: () => api.audit({ ...search, limit: 200 }),
    placeholderData: keepPreviousData,
  });
  const rows = data?.rows ?? [];
  const cursor = useRowKeys(rows);
  return (
    <Page
      title="Audit"
      about="who did what, when and why; nobody can change it"
      tools={<Narrow key={JSON.stringify(search)} />}
    >
      {error && <ProblemNote error={error} retry={refetch} />}
      {!data && !error && <Reading what="the audit" />}
      {data && rows.length === 0 && (
        <Empty title="Nobody did anything that fits">
          <p>
            Every act of a person is recorded here: decisions, claims, notes, holds, replays, bulk
            runs.
          </p>
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="What people did"
          columns={COLUMNS}
          rows={rows}
          idOf={({ id }) => id}
          isCursor={(row) => row === cursor}
        />
      )}
      <PageLinks after={search.after} next={data?.next} />
    </Page>
  );
}

function Narrow() {
  const search = useSearch({ from: '/audit' });
  const navigate = useNavigate({ from: '/audit' });
  const [actor, setActor] = useState(search.actor ?? '');
  const [orderId, setOrderId] = useState(search.orderId ?? '');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void navigate({
      search: { actor: actor.trim() || undefined, orderId: orderId.trim() || undefined },
    });
  };
  return (
    <form onSubmit={submit} className={classes.narrow} role="search">
      <TextInput
        type="search"
        aria-label="Who"
        placeholder="Who ( / )"
        value={actor}
        onChange={(event) => setActor(event.currentTarget.value)}
      />
      <TextInput
        type="search"
        aria-label="Order ID"
        placeholder="Order ID"
        value={orderId}
        onChange={(event) => setOrderId(event.currentTarget.value)}
      />
      <Button type="submit" variant="default">
        Show
      </Button>
    </form>
  );
}
