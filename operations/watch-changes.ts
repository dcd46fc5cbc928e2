import {
  WATCHED,
  readChangeMarks,
  type ChangeMarks,
  type Watched,
} from '../database/orders/change-marks';
import type { OrdersDatabase } from '../database/orders/connection';

/** How often the order database is looked at, in ms, while somebody listens. */
const LOOK_EVERY_MS = 1_000;

/** Hears what has changed since it was last told, or since it listens. */
type ChangeListener = (changed: readonly Watched[]) => void;

/** Tells listeners that something of the order database has changed. */
export interface ChangeWatch {
  /** @returns what ends the listening. */
  listen: (listener: ChangeListener) => () => void;
  /** Looks at once, since something was done just now. */
  hurry: () => void;
  close: () => void;
}

/**
 * Looks at the order database for changes, once for all listeners, and only while there is one. While
 * it does not answer, nobody is told anything; after that, of all.
 *
 * @param options.everyMs @default 1000
 */
export function watchChanges(
  database: OrdersDatabase,
  { everyMs = LOOK_EVERY_MS }: { everyMs?: number } = {},
): ChangeWatch {
  const listeners = new Set<ChangeListener>();
  let marks: ChangeMarks | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  const look = async () => {
    const before = marks;
    try {
      marks = await readChangeMarks(database);
    } catch {
      // Whoever fetches is told what is the matter.
      return;
    }
    const now = marks;
    const changed = before ? WATCHED.filter((what) => before[what] !== now[what]) : [];
    if (changed.length > 0) for (const listener of listeners) listener(changed);
  };
  const lookOnce = () => (looking ??= look().finally(() => (looking = undefined)));
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    marks = undefined;
  };
  return {
    listen: (listener) => {
      listeners.add(listener);
      if (timer === undefined) {
        void lookOnce();
        timer = setInterval(() => void lookOnce(), everyMs);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
    hurry: () => {
      if (timer !== undefined) void lookOnce();
    },
    close: () => {
      listeners.clear();
      stop();
    },
  };
}
