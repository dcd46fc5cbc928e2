import { useMutation } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../../api/client';
import type { TaskFilter } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { useKeys } from '../../parts/keys';
import { Empty, ProblemNote, Reading } from '../../parts/notices';
import { useTitle } from '../../parts/title';
import { useSession } from '../../session/session';
import { BulkBar } from './bulk-bar';
import { keyOf } from './deciding';
import { InboxToolbar } from './inbox-toolbar';
import { useInboxRows, type InboxRow } from './inbox-rows';
import { TaskList } from './task-list';
import { TaskPane } from './task-pane';
import { useCursor } from './use-cursor';
import classes from './inbox.module.css';

/** Everything that waits for people: the list left, the chosen task right. */
export function Inbox() {
  const { task, ...filter } = useSearch({ from: '/inbox' });
  // Another filter is another list: with a cursor and a selection of its own.
  return <FilteredInbox key={JSON.stringify(filter)} filter={filter} openTask={task} />;
}

function FilteredInbox({ filter, openTask }: { filter: TaskFilter; openTask?: string }) {
  const navigate = useNavigate({ from: '/inbox' });
  const { mayAct, mayManage } = useSession();
  const inbox = useInboxRows(filter);
  useTitle('Inbox');
  const { rows } = inbox;
  const cursor = useCursor(
    rows.length,
    rows.findIndex(({ taskId }) => taskId === openTask),
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const [isDeciding, setDeciding] = useState(false);
  const claiming = useMutation({
    mutationFn: (taskId: string) => api.claim(taskId, false),
    onSettled: () => refresh('tasks'),
  });

  const open = (taskId: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, task: taskId }) });
  const toggle = (row: InboxRow) => {
    const next = new Set(selected);
    if (!next.delete(keyOf(row))) next.add(keyOf(row));
    setSelected(next);
  };
  const current = rows[cursor.index];
  useKeys({
    j: () => cursor.move(1),
    k: () => cursor.move(-1),
    ArrowDown: () => cursor.move(1),
    ArrowUp: () => cursor.move(-1),
    Enter: current && (() => open(current.taskId)),
    // Of an open task, these keys are its own.
    c:
      current && mayAct && openTask === undefined
        ? () => claiming.mutate(current.taskId)
        : undefined,
    r:
      current && openTask === undefined
        ? () => {
            setDeciding(true);
            open(current.taskId);
          }
        : undefined,
    x: current && mayManage ? () => toggle(current) : undefined,
    n: inbox.showNew,
    Escape: () => (selected.size > 0 ? setSelected(new Set()) : open(undefined)),
  });

  return (
    <div className={classes.split} data-open={openTask !== undefined || undefined}>
      <section className={classes.list} aria-label="Open tasks">
        <h1 className="seen-by-readers-only">Inbox</h1>
        <InboxToolbar filter={filter} inbox={inbox} />
        {inbox.error && <ProblemNote error={inbox.error} />}
        {claiming.error && <ProblemNote error={claiming.error} />}
        {rows.length > 0 && (
          <TaskList
            inbox={inbox}
            isGrouped={filter.reason === undefined}
            openTask={openTask}
            cursor={cursor}
            selected={selected}
            toggle={mayManage ? toggle : undefined}
          />
        )}
        {rows.length === 0 && inbox.isReading && <Reading what="the open tasks" />}
        {rows.length === 0 && !inbox.isReading && !inbox.error && <NothingWaits filter={filter} />}
        {selected.size > 0 && (
          <BulkBar
            filter={filter}
            rows={rows.filter((row) => selected.has(keyOf(row)))}
            matched={inbox.matched}
            groups={inbox.groups}
            clear={() => setSelected(new Set())}
          />
        )}
      </section>
      {openTask === undefined ? (
        <div className={classes.nothingOpen}>
          <Empty title="No task is chosen">
            <p>
              Choose one with <kbd>j</kbd> and <kbd>k</kbd>, open it with <kbd>Enter</kbd>. Claim it
              with <kbd>c</kbd>, so that no two people look at the same, and decide with{' '}
              <kbd>r</kbd>. <kbd>?</kbd> shows all keys.
            </p>
          </Empty>
        </div>
      ) : (
        <TaskPane
          key={openTask}
          taskId={openTask}
          isDeciding={isDeciding}
          close={() => {
            setDeciding(false);
            open(undefined);
          }}
        />
      )}
    </div>
  );
}

function NothingWaits({ filter }: { filter: TaskFilter }) {
  const isNarrowed = Object.keys(filter).length > 0;
  return isNarrowed ? (
    <Empty title="No open task fits">
      <p>Others may wait: take a condition off above, or choose another reason.</p>
    </Empty>
  ) : (
    <Empty title="Nobody waits for you">
      <p>
        A task comes here when an order cannot go on by itself: nobody answered in all attempts, the
        dispatch system rejected it, its deadline passed, or the two databases disagree about it.
      </p>
      <p>
        It says what happened, what to check first, and what most people decide. New ones appear by
        themselves.
      </p>
    </Empty>
  );
}
