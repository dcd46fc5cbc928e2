import { NativeSelect, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import type { TaskFilter } from '../../api/contract';
import { Icon } from '../../parts/icons';
import { counted, reasonWord } from '../../parts/words';
import { useSession } from '../../session/session';
import { useTaskCounts } from '../../shell/counts';
import type { InboxRows } from './inbox-rows';
import classes from './inbox.module.css';

/** What the list is narrowed to, how many fit, and what came meanwhile. */
export function InboxToolbar({ filter, inbox }: { filter: TaskFilter; inbox: InboxRows }) {
  const { actor, mayAct } = useSession();
  const navigate = useNavigate({ from: '/inbox' });
  const [text, setText] = useState(filter.about ?? filter.restaurantId ?? '');
  const narrow = (more: TaskFilter) =>
    void navigate({ search: (before) => ({ ...before, ...more }) });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const word = text.trim();
    const isRestaurant = word.startsWith('r-') || word.startsWith('restaurant');
    narrow({
      about: word === '' || isRestaurant ? undefined : word,
      restaurantId: isRestaurant ? word : undefined,
    });
  };
  const isMine = filter.claimedBy === actor;
  const groups = useTaskCounts().data?.groups ?? [];
  return (
    <div className={classes.toolbar}>
      <div className={classes.tools}>
        <form onSubmit={submit} className={classes.search} role="search">
          <TextInput
            type="search"
            aria-label="Find tasks by order, task or restaurant ID"
            placeholder="Order or restaurant ID ( / )"
            leftSection={<Icon name="search" size={14} />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </form>
        {mayAct && (
          <button
            type="button"
            className={classes.toggle}
            aria-pressed={isMine}
            onClick={() => narrow({ claimedBy: isMine ? undefined : actor })}
          >
            Mine
          </button>
        )}
      </div>
      <NativeSelect
        className={classes.groupChoice}
        aria-label="Reason"
        value={filter.reason ?? ''}
        onChange={(event) => narrow({ reason: event.currentTarget.value || undefined })}
        data={[
          { value: '', label: 'All reasons' },
          ...groups.map(({ escalationReason, count }) => ({
            value: escalationReason,
            label: `${reasonWord(escalationReason).text} (${count.toLocaleString('en')})`,
          })),
        ]}
      />
      <div className={classes.state}>
        <span>
          {counted(inbox.matched, 'open task')}
          {filter.reason ? `: ${reasonWord(filter.reason).text.toLowerCase()}` : ''}
        </span>
        <Changes inbox={inbox} />
      </div>
    </div>
  );
}

/** "3 new": the rows stay where they are until one asks for them. */
function Changes({ inbox }: { inbox: InboxRows }) {
  const { fresh, closed } = inbox.changed;
  const words = [
    ...(fresh > 0 ? [`${fresh.toLocaleString('en')} new`] : []),
    ...(closed > 0 ? [`${closed.toLocaleString('en')} closed`] : []),
  ].join(', ');
  return (
    <span aria-live="polite">
      {words && (
        <button type="button" className={classes.changes} onClick={inbox.showNew} title="Show (n)">
          {words}
        </button>
      )}
    </span>
  );
}
