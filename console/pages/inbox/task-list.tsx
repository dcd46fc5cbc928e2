import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef } from 'react';
import { reasonWord } from '../../parts/words';
import { Dot } from '../../parts/status';
import { keyOf, useDeciding } from './deciding';
import type { InboxRow, InboxRows } from './inbox-rows';
import { TaskRowView } from './task-row';
import type { Cursor } from './use-cursor';
import classes from './task-list.module.css';

const ROW_PX = 46;
const HEADING_PX = 30;

/** From how many rows before the end on more are read. */
const READ_AHEAD = 60;

type Item = { heading: string; count: number } | { row: InboxRow; index: number };

/** The tasks, of which only those are drawn that can be seen. */
export function TaskList(props: {
  inbox: InboxRows;
  /** Whether the rows are of several reasons, with a heading each. */
  isGrouped: boolean;
  openTask?: string;
  cursor: Cursor;
  selected: ReadonlySet<string>;
  toggle?: (row: InboxRow) => void;
}) {
  const { inbox, isGrouped, openTask, cursor, selected, toggle } = props;
  const { rows, groups, hasMore, readMore } = inbox;
  const deciding = useDeciding();
  const scrolled = useRef<HTMLDivElement>(null);
  const items = useMemo(() => itemsOf(rows, groups, isGrouped), [rows, groups, isGrouped]);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scrolled.current,
    estimateSize: (index) => (items[index] && 'row' in items[index] ? ROW_PX : HEADING_PX),
    overscan: 10,
  });
  const drawn = virtual.getVirtualItems();
  const lastDrawn = drawn.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && lastDrawn >= items.length - READ_AHEAD) readMore();
  });
  useEffect(() => {
    if (cursor.moves === 0) return;
    const at = items.findIndex((item) => 'row' in item && item.index === cursor.index);
    // A heading above the first row comes into sight with it.
    if (at >= 0) virtual.scrollToIndex(at <= 1 ? 0 : at);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a move scrolls, not what it moves over
  }, [cursor.moves]);

  return (
    <div ref={scrolled} className={classes.scrolled} data-testid="task-list">
      <div role="list" className={classes.all} style={{ height: virtual.getTotalSize() }}>
        {drawn.map(({ index, start, key }) => {
          const item = items[index];
          if (!item) return null;
          const style = { transform: `translateY(${start}px)` };
          if ('heading' in item) {
            return (
              <div key={key} className={classes.heading} style={style} role="listitem">
                <Dot tone={reasonWord(item.heading).tone} />
                <h2>{reasonWord(item.heading).text}</h2>
                <span>{item.count.toLocaleString('en')}</span>
              </div>
            );
          }
          const { row, index: at } = item;
          return (
            <TaskRowView
              key={key}
              style={style}
              row={row}
              isOpen={row.taskId === openTask}
              isCursor={at === cursor.index}
              focusOn={at === cursor.index ? cursor.moves : 0}
              isSelected={selected.has(keyOf(row))}
              deciding={deciding.get(keyOf(row))}
              onFocus={() => cursor.set(at)}
              toggle={toggle && (() => toggle(row))}
            />
          );
        })}
      </div>
    </div>
  );
}

function itemsOf(
  rows: readonly InboxRow[],
  groups: InboxRows['groups'],
  isGrouped: boolean,
): Item[] {
  if (!isGrouped) return rows.map((row, index) => ({ row, index }));
  const counts = new Map(groups.map(({ escalationReason, count }) => [escalationReason, count]));
  return rows.flatMap((row, index): Item[] => {
    const { escalationReason } = row;
    if (escalationReason === rows[index - 1]?.escalationReason) return [{ row, index }];
    return [
      { heading: escalationReason, count: counts.get(escalationReason) ?? 0 },
      { row, index },
    ];
  });
}
