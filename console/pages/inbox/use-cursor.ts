import { useState } from 'react';

/** Which row the keys are about. */
export interface Cursor {
  /** -1 where there is none yet. */
  index: number;
  /** Counts the moves by key: after one, the row takes the focus. */
  moves: number;
  move: (by: number) => void;
  set: (index: number) => void;
}

/** Keeps which row the keys are about. */
export function useCursor(length: number, first: number): Cursor {
  const [at, setAt] = useState<{ index: number; moves: number }>();
  const index = Math.min(at?.index ?? first, length - 1);
  return {
    index,
    moves: at?.moves ?? 0,
    move: (by) =>
      setAt({ index: Math.max(0, Math.min(length - 1, index + by)), moves: (at?.moves ?? 0) + 1 }),
    set: (to) => setAt({ index: to, moves: at?.moves ?? 0 }),
  };
}
