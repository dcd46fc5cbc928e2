import { Button, NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import { api } from '../../api/client';
import type { OrderRow } from '../../api/contract';
import { DataTable, type Columns } from '../../parts/data-table';
import { Icon } from '../../parts/icons';
import { Id, OrderLink } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { Page } from '../../parts/page';
import { PageLinks } from '../../parts/page-links';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { useRowKeys } from '../../parts/use-row-keys';
import { reasonWord } from '../../parts/words';
import classes from './orders.module.css';

const STATUSES = ['placed', 'escalated', 'cancelling', 'dispatched', 'cancelled'];

const COLUMNS: Columns<OrderRow> = [
  {
    id: 'order',
    header: 'Order',
    cell: ({ row }) => <OrderLink orderId={row.original.orderId} />,
  },
  {
    id: 'status',
    header: 'Status',
    cell: ({ row: { original } }) => (
      <span className={classes.status}>
        <StatusText status={original.status} />
        {original.escalationReason !== null && (
          <span className="quiet-text">
            {reasonWord(original.escalationReason).text.toLowerCase()}
          </span>
        )}
      </span>
    ),
  },
  {
    id: 'restaurant',
    header: 'Restaurant',
    meta: { isMinor: true },
    cell: ({ row }) => row.original.restaurantId && <Id>{row.original.restaurantId}</Id>,
  },
  {
    id: 'courier',
    header: 'Courier',
    meta: { isMinor: true },
    cell: ({ row }) => row.original.courierId && <Id>{row.original.courierId}</Id>,
  },
  { accessorKey: 'attempts', header: 'Attempts', meta: { isMinor: true, isNumber: true } },
  { id: 'placed', header: 'Placed', cell: ({ row }) => <Ago at={row.original.placedAt} /> },
  {
    id: 'by',
    header: 'Dispatch by',
    meta: { isMinor: true },
    cell: ({ row }) => <Ago at={row.original.dispatchBy} />,
  },
];

/** Finds orders. */
export function Orders() {
  const search = useSearch({ from: '/orders' });
  const { data, error, refetch } = useQuery({
    queryKey: ['orders', 'list', search],
    queryFn: () => api.orders({ ...search, limit: 100 }),
    placeholderData: keepPreviousData,
  });
  const rows = data?.orders ?? [];
  const cursor = useRowKeys(rows);
  return (
    <Page title="Orders" tools={<Find key={search.q} />}>
      {error && <ProblemNote error={error} retry={refetch} />}
      {!data && !error && <Reading what="orders" />}
      {data && rows.length === 0 && (
        <Empty title="No order fits">
          <p>
            One finds an order by its ID or the beginning of it, and by the whole ID of a customer,
            a courier or a request, such as <code>o-4711.1</code>. An order that its workflow has
            not recorded yet has a page all the same:
          </p>
          {search.q && (
            <p>
              <OrderLink orderId={search.q} />
            </p>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Orders"
          columns={COLUMNS}
          rows={rows}
          idOf={({ orderId }) => orderId}
          isCursor={(row) => row === cursor}
        />
      )}
      <PageLinks after={search.after} next={data?.next} />
    </Page>
  );
}

function Find() {
  const { q = '', status = '' } = useSearch({ from: '/orders' });
  const navigate = useNavigate({ from: '/orders' });
  const [text, setText] = useState(q);
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    void navigate({ search: { q: text.trim() || undefined, status: status || undefined } });
  };
  return (
    <form onSubmit={find} className={classes.find} role="search">
      <TextInput
        type="search"
        aria-label="Find by order, customer, courier or request ID"
        placeholder="Order, customer, courier or request ID ( / )"
        leftSection={<Icon name="search" size={14} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        className={classes.field}
      />
      <NativeSelect
        aria-label="Status"
        value={status}
        onChange={(event) =>
          void navigate({
            search: { q: q || undefined, status: event.currentTarget.value || undefined },
          })
        }
        data={[{ value: '', label: 'Any status' }, ...STATUSES]}
      />
      <Button type="submit" variant="default">
        Find
      </Button>
    </form>
  );
}
