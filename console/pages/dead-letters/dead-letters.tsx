import { NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import { api } from '../../api/client';
import type { DeadLetterRow } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { OrderLink } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { Page, Section } from '../../parts/page';
import { PageLinks } from '../../parts/page-links';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { useRowKeys } from '../../parts/use-row-keys';
import { counted } from '../../parts/words';
import { useSession } from '../../session/session';
import { LetterPane } from './letter-pane';
import { LetterActs } from './letter-acts';
import { LetterGroups } from './letter-groups';
import { ReplayProgressView } from './replay-progress';
import classes from './dead-letters.module.css';

/** Dead letters that are shown at once. */
const SHOWN = 200;

const COLUMNS: Columns<DeadLetterRow> = [
  {
    id: 'id',
    header: 'No.',
    cell: ({ row: { original } }) => (
      <Link to="/dead-letters" search={(before) => ({ ...before, id: original.id })}>
        {original.id}
      </Link>
    ),
  },
  {
    id: 'order',
    header: 'Order',
    cell: ({ row }) => row.original.orderId && <OrderLink orderId={row.original.orderId} />,
  },
  { accessorKey: 'deadLetterReason', header: 'Reason' },
  {
    id: 'state',
    header: 'State',
    meta: { isMinor: true },
    cell: ({ row }) => <StatusText status={row.original.state} />,
  },
  { accessorKey: 'attempts', header: 'Tries', meta: { isMinor: true, isNumber: true } },
  {
    id: 'at',
    header: 'Failed last',
    meta: { isMinor: true },
    cell: ({ row }) => <Ago at={row.original.lastFailedAt} />,
  },
];

/** Messages that their consumer gave up on. */
export function DeadLetters() {
  const { id, replay, state = 'open', ...narrowed } = useSearch({ from: '/dead-letters' });
  const filter = { ...narrowed, state: state === 'any' ? undefined : state };
  const navigate = useNavigate({ from: '/dead-letters' });
  const { mayManage } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['deadLetters', 'list', filter],
    queryFn: () => api.deadLetters({ ...filter, limit: SHOWN }),
    placeholderData: keepPreviousData,
  });
  const rows = data?.rows ?? [];
  const show = (shown: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, id: shown }) });
  const cursor = useRowKeys(rows);
  const { reason, sourceQueue, about, after } = narrowed;
  const isNarrowed = (reason ?? sourceQueue ?? about) !== undefined;
  return (
    <Page
      title="Dead letters"
      about={data && counted(data.matched, 'message')}
      tools={<Narrow key={narrowed.about} />}
    >
      {replay !== undefined && <ReplayProgressView replayId={replay} />}
      {error && <ProblemNote error={error} retry={refetch} />}
      {!data && !error && <Reading what="the dead letters" />}
      {data && rows.length === 0 && (
        <Empty title={isNarrowed ? 'No dead letter fits' : 'No message was given up on'}>
          <p>
            A message that its consumer could not read or handle in all its tries comes here, with
            its reason. Once the cause is mended, replay it: it goes to the queue that it came from.
            Discard what nobody needs.
          </p>
        </Empty>
      )}
      {data && rows.length > 0 && (
        <div className={classes.split} data-open={id !== undefined || undefined}>
          <div className={classes.lists}>
            <Section title="By reason and queue">
              <LetterGroups groups={data.groups} />
            </Section>
            <Section
              title="One by one"
              tools={
                state === 'open' &&
                (isNarrowed ? (
                  <LetterActs
                    target={{ filter: { reason, sourceQueue, orderId: about } }}
                    count={data.matched}
                    isMany
                  />
                ) : (
                  mayManage && (
                    <span className="quiet-text">
                      Choose a reason, to replay or discard all of it.
                    </span>
                  )
                ))
              }
            >
              <DataTable
                caption="Dead letters"
                columns={COLUMNS}
                rows={rows}
                idOf={(row) => row.id}
                isChosen={(row) => row.id === id}
                isCursor={(row) => row === cursor}
              />
              <PageLinks after={after} next={data.next} />
            </Section>
          </div>
          {id !== undefined && <LetterPane id={id} close={() => show(undefined)} />}
        </div>
      )}
    </Page>
  );
}

function Narrow() {
  const search = useSearch({ from: '/dead-letters' });
  const navigate = useNavigate({ from: '/dead-letters' });
  const [text, setText] = useState(search.about ?? '');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void navigate({
      search: { ...search, id: undefined, after: undefined, about: text.trim() || undefined },
    });
  };
  return (
    <form onSubmit={submit} className={classes.narrow} role="search">
      {(search.reason ?? search.sourceQueue) && (
        <Link to="/dead-letters" search={{ state: search.state, about: search.about }}>
          All reasons
        </Link>
      )}
      <TextInput
        type="search"
        aria-label="Order ID"
        placeholder="Order ID ( / )"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <NativeSelect
        aria-label="State"
        value={search.state ?? 'open'}
        onChange={(event) =>
          void navigate({ search: { ...search, id: undefined, state: event.currentTarget.value } })
        }
        data={['open', 'replayed', 'discarded', { value: 'any', label: 'any state' }]}
      />
    </form>
  );
}
