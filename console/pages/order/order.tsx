import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../../api/client';
import type { OrderDetail } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { ActDialog } from '../../parts/act-dialog';
import { BothRows } from '../../parts/both-rows';
import { CopyButton } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { OrderContent } from '../../parts/order-content';
import { Page, Section } from '../../parts/page';
import { Prose } from '../../parts/prose';
import { ReasonText, StatusText } from '../../parts/status';
import { TemporalLink } from '../../parts/temporal-link';
import { Ago } from '../../parts/time';
import { TimelinePicture } from '../../parts/timeline/timeline';
import { useSession } from '../../session/session';
import { OrderRepairs } from './order-repairs';
import { Messages } from './messages';
import classes from './order.module.css';

/** An order's whole story. */
export function OrderPage() {
  const { orderId } = useParams({ from: '/orders/$orderId' });
  const { data, error, refetch } = useQuery({
    queryKey: ['orders', orderId, 'report'],
    queryFn: () => api.order(orderId),
  });
  const status = data?.row?.status ?? data?.view?.status;
  return (
    <Page
      title={orderId}
      isId
      about={
        <>
          <CopyButton text={orderId} what="the order ID" />
          {status && <StatusText status={status} />}
          {data?.row?.dispatchBy && (
            <span>
              deadline <Ago at={data.row.dispatchBy} />
            </span>
          )}
          <TemporalLink workflowId={`dispatch-order/${orderId}`} />
        </>
      }
      tools={data && <OrderActs orderId={orderId} status={status} />}
    >
      {error && <ProblemNote error={error} retry={refetch} />}
      {error && (
        <Empty title="This order is not known">
          <p>
            Neither Temporal nor the order database has it: look whether the ID is right.{' '}
            <Link to="/orders">All orders</Link>
          </p>
        </Empty>
      )}
      {!data && !error && <Reading what="the order" />}
      {data && <Story orderId={orderId} detail={data} />}
    </Page>
  );
}

function Story({ orderId, detail }: { orderId: string; detail: OrderDetail }) {
  const { unread, unanswered, tasks } = detail;
  return (
    <div className={classes.columns}>
      <div>
        {tasks.map(({ taskId, humanTask }) => (
          <Link
            key={taskId}
            to="/inbox"
            search={{ about: orderId, task: taskId }}
            className={classes.task}
          >
            <ReasonText reason={humanTask.escalationReason} />
            <span>
              waits for a person, asked <Ago at={humanTask.escalatedAt} />
            </span>
            <b>Decide</b>
          </Link>
        ))}
        {unanswered !== undefined && (
          <p className={classes.unread}>Its workflow does not answer: {unanswered}</p>
        )}
        {unread !== undefined && <p className={classes.unread}>{unread}</p>}
        <Section title="Why">
          <WhyText orderId={orderId} />
        </Section>
        <Section title="Timeline">
          <Timeline orderId={orderId} />
        </Section>
        <Section title="Messages">
          <Messages orderId={orderId} />
        </Section>
      </div>
      <div>
        <Section title="Both rows">
          <BothRows detail={detail} />
        </Section>
        <Section title="Ordered">
          <OrderContent detail={detail} />
        </Section>
        <Section title="Repairs">
          <OrderRepairs orderId={orderId} />
        </Section>
      </div>
    </div>
  );
}

function WhyText({ orderId }: { orderId: string }) {
  const { data, error } = useQuery({
    queryKey: ['orders', orderId, 'why'],
    queryFn: () => api.why(orderId),
  });
  if (error) return <ProblemNote error={error} />;
  if (!data) return <Reading what="why" />;
  return (
    <p className={classes.why}>
      <Prose text={data.text} />
    </p>
  );
}

function Timeline({ orderId }: { orderId: string }) {
  const { data, error } = useQuery({
    queryKey: ['orders', orderId, 'timeline'],
    queryFn: () => api.timeline(orderId),
  });
  if (error) return <ProblemNote error={error} />;
  return data ? <TimelinePicture timeline={data} /> : <Reading what="the timeline" />;
}

function OrderActs({ orderId, status }: { orderId: string; status?: string }) {
  const { mayAct } = useSession();
  const [asked, ask] = useState<'cancel' | 'reconcile'>();
  if (!mayAct) return null;
  const done = () => refresh('orders', 'tasks', 'repairs', 'audit');
  const close = () => ask(undefined);
  return (
    <>
      <Button variant="default" onClick={() => ask('reconcile')}>
        Reconcile …
      </Button>
      {status !== 'cancelled' && (
        <Button variant="default" onClick={() => ask('cancel')}>
          Cancel …
        </Button>
      )}
      {asked === 'cancel' && (
        <ActDialog
          title={`Cancel ${orderId}`}
          action="Cancel the order"
          isDrastic
          act={(note) => api.cancel(orderId, note).then(done)}
          close={close}
        >
          <p>
            Its dispatch is withdrawn, and the order is cancelled. Where a courier is on the way, a
            person may have to call it off first: a task then says so.
          </p>
        </ActDialog>
      )}
      {asked === 'reconcile' && (
        <ActDialog
          title={`Reconcile ${orderId}`}
          action="Reconcile"
          act={(note) => api.reconcile(orderId, note).then(done)}
          close={close}
        >
          <p>
            Compares the two databases and Temporal, and repairs what a rule may decide. What no
            rule may decide comes to the inbox.
          </p>
        </ActDialog>
      )}
    </>
  );
}
