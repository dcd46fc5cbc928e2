import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { api, Problem } from '../../api/client';
import type { Guidance } from '../../../domain/guidance';
import type { TaskDetail, TaskEnd } from '../../api/contract';
import { BothRows } from '../../parts/both-rows';
import { Icon } from '../../parts/icons';
import { CopyButton, Id, OrderLink } from '../../parts/ids';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { OrderContent } from '../../parts/order-content';
import { Prose } from '../../parts/prose';
import { ReasonText } from '../../parts/status';
import { TemporalLink } from '../../parts/temporal-link';
import { Ago } from '../../parts/time';
import { decisionWord } from '../../parts/words';
import { TimelinePicture } from '../../parts/timeline/timeline';
import { Decide } from './decide';
import { keyOf, useDeciding } from './deciding';
import { Acts } from './task-acts';
import classes from './task-pane.module.css';

/** One task: what happened, what to check, and what can be decided. */
export function TaskPane(props: {
  taskId: string;
  /** Whether one comes to decide at once. */
  isDeciding: boolean;
  close: () => void;
}) {
  const { taskId, isDeciding, close } = props;
  const back = useRef<HTMLButtonElement>(null);
  // Where the list is not beside it, the focus comes with the reader.
  useEffect(() => back.current?.focus(), []);
  const { data, error, refetch } = useQuery({
    queryKey: ['tasks', 'one', taskId],
    queryFn: () => api.task(taskId),
  });
  return (
    <article className={classes.pane} aria-label={`Task ${taskId}`}>
      <button
        ref={back}
        type="button"
        className={classes.back}
        onClick={close}
        aria-label="Close the task"
      >
        <Icon name="back" />
        <span>Inbox</span>
      </button>
      {data ? (
        <Task detail={data} closed={error} isDeciding={isDeciding} />
      ) : error ? (
        <>
          <ProblemNote error={error} retry={refetch} />
          <Empty title="This task cannot be shown">
            <p>
              It may be closed by now: by a person, by a late answer, or since its cause has gone.
              Its order tells what happened.
            </p>
            {orderOf(taskId) && (
              <p>
                <OrderLink orderId={orderOf(taskId) ?? ''} />
              </p>
            )}
          </Empty>
        </>
      ) : (
        <Reading what="the task" />
      )}
    </article>
  );
}

function orderOf(taskId: string): string | undefined {
  return /^[a-z-]+\/(.+)$/i.exec(taskId)?.[1];
}

function Task(props: { detail: TaskDetail; closed: Error | null; isDeciding: boolean }) {
  const { detail, closed, isDeciding } = props;
  const { task, guidance, why, notes = [], unanswered } = detail;
  const { end } = task;
  const { orderId } = task;
  const made = useDeciding().get(keyOf(task));
  const isOver = closed instanceof Problem && (closed.status === 404 || closed.status === 409);
  return (
    <>
      <header className={classes.head}>
        <div className={classes.title}>
          <h2>{orderId === null ? <Id>{task.taskId}</Id> : <OrderLink orderId={orderId} />}</h2>
          <CopyButton text={orderId ?? task.taskId} what="the ID" />
          <TemporalLink workflowId={task.taskId} />
        </div>
        <p className={classes.facts}>
          <ReasonText reason={task.escalationReason} />
          <span>
            opened <Ago at={task.openedAt} />
          </span>
          <span>
            due <Ago at={task.dueAt} />
          </span>
          {task.restaurantId !== null && (
            <Link
              to="/inbox"
              search={{ restaurantId: task.restaurantId, task: task.taskId }}
              title="All open tasks of this restaurant"
            >
              <Id>{task.restaurantId}</Id>
            </Link>
          )}
        </p>
        {!end && <Acts task={task} />}
      </header>
      {unanswered !== undefined && (
        <p className={classes.unanswered}>Its workflow does not answer just now: {unanswered}</p>
      )}
      <dl className={classes.guidance}>
        <dt>It means</dt>
        <dd>
          <Prose text={guidance.means} />
        </dd>
        <dt>Check first</dt>
        <dd>
          <Prose text={guidance.checkFirst} />
        </dd>
        <dt>Usually</dt>
        <dd>
          <Prose text={guidance.usualDecision} />
        </dd>
      </dl>
      {end && made?.state !== 'decided' && <Ended end={end} />}
      {isOver && !made ? (
        <p className={classes.unanswered} role="status">
          This task is closed by now: {closed.message}
        </p>
      ) : (
        (!end || made) && <Decide detail={detail} isDeciding={isDeciding} />
      )}
      {why && (
        <section>
          <h3>Why</h3>
          <p className={classes.why}>
            <Prose text={withoutGuidance(why.text, guidance)} />
          </p>
        </section>
      )}
      {orderId !== null && <Story orderId={orderId} />}
      {orderId !== null && <Ordered orderId={orderId} isFinding={task.kind === 'discrepancy'} />}
      {notes.length > 0 && (
        <section>
          <h3>Notes</h3>
          <ul className={classes.notes}>
            {notes.map(({ at, actor, note }) => (
              <li key={at}>
                <b>{actor}</b> <Ago at={at} />
                <div>{note}</div>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** What closes a task that nobody decides. */
const ENDINGS: Record<string, string> = {
  answer: ', by an answer',
  cancellation: ', by a cancellation',
};

function Ended({ end }: { end: TaskEnd }) {
  const { closedAt, closedBy, decision, actor } = end;
  return (
    <p className={classes.unanswered} role="status">
      {decision === null
        ? `This task is closed${ENDINGS[closedBy] ?? ''}`
        : `${actor ?? 'Somebody'} decided: ${decisionWord(decision).label.toLowerCase()}`}
      , <Ago at={closedAt} />
    </p>
  );
}

/** Why without what stands above it: it quotes the guidance. */
function withoutGuidance(text: string, { means, checkFirst, usualDecision }: Guidance): string {
  const quoted = [
    `it means: ${means}`,
    `check first: ${checkFirst}`,
    `usual decision: ${usualDecision}`,
  ];
  return quoted.reduce((rest, quote) => rest.replace(`; ${quote.replace(/\.$/, '')}`, ''), text);
}

function Story({ orderId }: { orderId: string }) {
  const { data, error } = useQuery({
    queryKey: ['orders', orderId, 'timeline'],
    queryFn: () => api.timeline(orderId),
  });
  return (
    <section>
      <h3>Timeline</h3>
      {data && <TimelinePicture timeline={data} />}
      {error && <ProblemNote error={error} />}
      {!data && !error && <Reading what="the timeline" />}
    </section>
  );
}

function Ordered({ orderId, isFinding }: { orderId: string; isFinding: boolean }) {
  const { data, error } = useQuery({
    queryKey: ['orders', orderId, 'report'],
    queryFn: () => api.order(orderId),
  });
  return (
    <section>
      {isFinding && (
        <>
          <h3>Both rows</h3>
          {data && <BothRows detail={data} />}
        </>
      )}
      <h3>Order</h3>
      {data && <OrderContent detail={data} />}
      {error && <ProblemNote error={error} />}
    </section>
  );
}
