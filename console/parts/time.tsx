import { useSyncExternalStore } from 'react';

/** How often relative times are told anew, in ms. */
const TICK_MS = 10_000;

let now = Date.now();
const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    now = Date.now();
    ticking = setInterval(tick, TICK_MS);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(ticking);
  };
}

/** The time, a little behind: one timer for all that is shown. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** A duration in one unit: `42 s`, `7 min`, `3 h`, `2 d`. */
export function inWords(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

const ABSOLUTE = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'medium',
});
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A time with its date, in the reader's time zone. */
export function absolute(iso: string): string {
  return ABSOLUTE.format(new Date(iso));
}

/** A time of the day, in the reader's time zone. */
export function clock(iso: string): string {
  return CLOCK.format(new Date(iso));
}

/**
 * A time beside now: `3 h ago`, `in 5 min`; its absolute on hover.
 *
 * @param bare without "ago" and "in".
 */
export function Ago({ at, bare = false }: { at: string; bare?: boolean }) {
  const laterMs = Date.parse(at) - useNow();
  const words = inWords(laterMs);
  // What has just come can be later than the last tick.
  const isNear = laterMs > -2_000 && laterMs < TICK_MS;
  const text = bare ? words : isNear ? 'now' : laterMs > 0 ? `in ${words}` : `${words} ago`;
  return (
    <time dateTime={at} title={`${absolute(at)} (${at})`}>
      {text}
    </time>
  );
}
