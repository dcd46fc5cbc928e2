import { useEffect, useState } from 'react';
import { useKeys } from './keys';

/**
 * `j` and `k` go through the rows of a table: the first link of the row takes the focus, so that `Enter`
 * opens it.
 *
 * @returns the row that the keys are about, if there is one yet.
 */
export function useRowKeys<Row>(rows: readonly Row[]): Row | undefined {
  const [index, setIndex] = useState(-1);
  const current = rows[Math.min(index, rows.length - 1)];
  const move = (by: number) => setIndex(Math.max(0, Math.min(rows.length - 1, index + by)));
  useKeys({ j: () => move(1), k: () => move(-1) });
  useEffect(() => {
    if (index < 0) return;
    const row = document.querySelector('tr[data-cursor]');
    row?.scrollIntoView({ block: 'nearest' });
    row?.querySelector('a')?.focus({ preventScroll: true });
  }, [index]);
  return current;
}
