import { Button } from '@mantine/core';
import { useState } from 'react';
import type { BulkTarget, TaskFilter } from '../../api/contract';
import { useKeys } from '../../parts/keys';
import { BulkDialog } from './bulk-dialog';
import type { InboxRow, InboxRows } from './inbox-rows';
import classes from './bulk-bar.module.css';

/** What can be done about the tasks that are selected. */
export function BulkBar(props: {
  filter: TaskFilter;
  rows: readonly InboxRow[];
  matched: number;
  groups: InboxRows['groups'];
  clear: () => void;
}) {
  const { filter, rows, matched, groups, clear } = props;
  const [isAll, setAll] = useState(false);
  const [isOpen, setOpen] = useState(false);
  // Many cannot be decided about without a condition: "all of them" is somebody's slip.
  const { about, reason, ...others } = filter;
  const conditions = { ...others, ...(reason !== undefined && { escalationReason: reason }) };
  const canTakeAll =
    about === undefined && Object.keys(conditions).length > 0 && matched > rows.length;
  const target: BulkTarget = isAll
    ? { filter: conditions }
    : { taskIds: rows.map(({ taskId }) => taskId) };
  const reasons = isAll
    ? groups.map(({ escalationReason }) => escalationReason)
    : rows.map(({ escalationReason }) => escalationReason);
  useKeys({ b: () => setOpen(true), a: canTakeAll ? () => setAll(true) : undefined });
  return (
    <div className={classes.bar} role="region" aria-label="Selected tasks">
      <span aria-live="polite">
        {isAll ? `All ${matched.toLocaleString('en')}` : rows.length.toLocaleString('en')} selected
      </span>
      {canTakeAll && !isAll && (
        <button
          type="button"
          className={classes.link}
          onClick={() => setAll(true)}
          title="All that fit (a)"
        >
          take all {matched.toLocaleString('en')}
        </button>
      )}
      <span className={classes.gap} />
      <Button variant="default" onClick={clear}>
        Clear
      </Button>
      <Button onClick={() => setOpen(true)} title="Decide about all of them (b)">
        Decide …
      </Button>
      {isOpen && (
        <BulkDialog target={target} reasons={[...new Set(reasons)]} close={() => setOpen(false)} />
      )}
    </div>
  );
}
