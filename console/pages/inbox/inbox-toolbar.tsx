import { NativeSelect, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import type { TaskFilter } from '../../api/contract';
import { Icon } from '../../parts/icons';
import { inWords, useNow } from '../../parts/time';
import { counted, reasonWord } from '../../parts/words';
import { useSession } from '../../session/session';
import { useTaskCounts } from '../../shell/counts';
import type { InboxRows } from './inbox-rows';
import classes from './inbox.module.css';

/** What the list is narrowed to, how many fit, and what came meanwhile. */
export function InboxToolbar({ filter, inbox }: { filter: TaskFilter; inbox: InboxRows }) {
  const { actor, mayAct } = useSession();
  const navigate = useNavigate({ from: '/inbox' });
  const now = useNow();
  const [text, setText] = useState(filter.about ?? '');
  const narrow = (more: TaskFilter) =>
    void navigate({ search: (before) => ({ ...before, ...more }) });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    narrow({ about: text.trim() || undefined });
  };
  const isMine = filter.claimedBy === actor;
  const groups = useTaskCounts().data?.groups ?? [];
  return (
    <div className={classes.toolbar}>
      <div className={classes.tools}>
        <form onSubmit={submit} className={classes.search} role="search">
          <TextInput
            type="search"
            aria-label="Find tasks by order or task ID"
            placeholder="Order or task ID ( / )"
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
          ...groups.map(({ escalationReason, count, oldestOpenedAt }) => ({
            value: escalationReason,
            label: `${reasonWord(escalationReason).text}: ${count.toLocaleString('en')}, oldest ${inWords(now - Date.parse(oldestOpenedAt))}`,
          })),
        ]}
      />
      <Conditions filter={filter} narrow={narrow} />
      <div className={classes.state}>
        <span>{counted(inbox.matched, 'open task')}</span>
        <Changes inbox={inbox} />
      </div>
    </div>
  );
}

/** What else the list is narrowed to, each to be taken off. */
function Conditions(props: { filter: TaskFilter; narrow: (more: TaskFilter) => void }) {
  const { filter, narrow } = props;
  const { reason, about, restaurantId, kind } = filter;
  const conditions = [
    { name: 'reason', text: reason && reasonWord(reason).text },
    { name: 'about', text: about },
    { name: 'restaurantId', text: restaurantId },
    { name: 'kind', text: kind },
  ].filter(({ text }) => text !== undefined);
  if (conditions.length === 0) return null;
  return (
    <div className={classes.conditions}>
      {conditions.map(({ name, text }) => (
        <button
          key={name}
          type="button"
          className={classes.condition}
          onClick={() => narrow({ [name]: undefined })}
          aria-label={`Not only ${text}`}
        >
          {text}
          <Icon name="close" size={10} />
        </button>
      ))}
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
