import { useEffect, useState } from 'react';
import { useKeys } from './keys';

/**
 * `j` and `k` go through the rows, `Enter` opens one.
 *
 * @returns the row that the keys are about, if there is one yet.
 */
export function useRowKeys<Row>(rows: readonly Row[], open: (row: Row) => void): Row | undefined {
  const [index, setIndex] = useState(-1);
  const current = rows[Math.min(index, rows.length - 1)];
  const move = (by: number) => setIndex(Math.max(0, Math.min(rows.length - 1, index + by)));
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter:
      current === undefined
        ? undefined
        : (event) => {
            // A link or a button that has the focus does what it does.
            if (event.target instanceof Element && event.target.closest('a, button, summary')) {
              (event.target as HTMLElement).click();
            } else open(current);
          },
  });
  useEffect(() => {
    if (index >= 0) document.querySelector('tr[data-cursor]')?.scrollIntoView({ block: 'nearest' });
  }, [index]);
  return current;
}
