import { Link } from '@tanstack/react-router';
import { useEffect, useRef, type CSSProperties } from 'react';
import { Ago, useNow } from '../../parts/time';
import { decisionWord } from '../../parts/words';
import { useSession } from '../../session/session';
import type { Deciding } from './deciding';
import type { InboxRow } from './inbox-rows';
import classes from './task-row.module.css';

/** A task in the list. */
export function TaskRowView(props: {
  row: InboxRow;
  style: CSSProperties;
  isOpen: boolean;
  isCursor: boolean;
  /** Takes the focus whenever this changes to another number than 0. */
  focusOn: number;
  isSelected: boolean;
  deciding?: Deciding;
  onFocus: () => void;
  /** Absent where this person may not decide about many. */
  toggle?: () => void;
}) {
  const { row, style, isOpen, isCursor, focusOn, isSelected, deciding, onFocus, toggle } = props;
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (focusOn > 0) link.current?.focus({ preventScroll: true });
  }, [focusOn]);
  const name = row.orderId ?? row.taskId;
  return (
    <div
      role="listitem"
      className={classes.row}
      style={style}
      data-open={isOpen || undefined}
      data-cursor={isCursor || undefined}
      data-selected={isSelected || undefined}
      data-closed={row.isClosed || deciding?.state === 'decided' || undefined}
    >
      {toggle && (
        <label className={classes.check}>
          <input
            type="checkbox"
            checked={isSelected}
            onChange={toggle}
            aria-label={`Select ${name}`}
          />
        </label>
      )}
      <Link
        ref={link}
        to="/inbox"
        search={(before) => ({ ...before, task: row.taskId })}
        className={classes.link}
        onFocus={onFocus}
        preload={false}
      >
        <span className={classes.first}>
          <code>{name}</code>
          <RowState row={row} deciding={deciding} />
        </span>
        <span className={classes.second}>
          <span className={classes.place}>{row.restaurantId ?? KIND_WORDS[row.kind]}</span>
          <Due row={row} />
          <span className={classes.age}>
            <Ago at={row.openedAt} bare />
          </span>
        </span>
      </Link>
    </div>
  );
}

const KIND_WORDS: Record<string, string> = {
  order: 'an order',
  withdrawal: 'a withdrawal',
  discrepancy: 'a finding',
  health: 'the service',
};

function RowState({ row, deciding }: { row: InboxRow; deciding?: Deciding }) {
  const { actor } = useSession();
  if (deciding?.state === 'deciding' && !row.isClosed)
    return <span className={classes.busy}>deciding …</span>;
  if (deciding?.state === 'decided') {
    return (
      <span className={classes.good}>{decisionWord(deciding.decision).label.toLowerCase()}</span>
    );
  }
  if (deciding)
    return (
      <span className={classes.bad}>{deciding.state === 'refused' ? 'refused' : 'not known'}</span>
    );
  if (row.isClosed) return <span className={classes.quiet}>closed</span>;
  if (row.claimedBy === null) return null;
  const isMine = row.claimedBy === actor;
  return (
    <span className={isMine ? classes.mine : classes.claimed} title={`Claimed by ${row.claimedBy}`}>
      {isMine ? 'you' : row.claimedBy}
    </span>
  );
}

function Due({ row }: { row: InboxRow }) {
  const now = useNow();
  const isSnoozed = row.snoozedUntil !== null && Date.parse(row.snoozedUntil) > now;
  if (isSnoozed && row.snoozedUntil !== null) {
    return (
      <span className={classes.quiet}>
        snoozed, <Ago at={row.snoozedUntil} />
      </span>
    );
  }
  if (Date.parse(row.overdueAt) < now) return <span className={classes.overdue}>overdue</span>;
  if (Date.parse(row.dueAt) < now) return <span className={classes.due}>due</span>;
  return null;
}
