import { useEffect, useState } from 'react';
import type { ChangedWhat } from './contract';
import { queryClient, refresh, SESSION_KEY } from './query-client';

/** How often hints are followed at most, in ms: many changes at once are one reading. */
const FOLLOW_EVERY_MS = 1_000;

/** How long after a stream that was refused the next is tried, in ms. */
const TRY_AGAIN_MS = 5_000;

/**
 * Follows the API's hints that something changed: what is shown of it is read anew. After a time without
 * the stream everything is, since hints may have been missed.
 *
 * @returns whether hints come just now.
 */
export function useLiveHints(isSignedIn: boolean): boolean {
  const [isLive, setLive] = useState(true);
  useEffect(() => (isSignedIn ? follow(setLive) : undefined), [isSignedIn]);
  return isLive;
}

/** The inbox's rows stay where they are until one asks for what is new. */
const isNotFrozen = ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] !== 'inbox';

function follow(setLive: (isLive: boolean) => void): () => void {
  const pending = new Set<ChangedWhat>();
  let source: EventSource | undefined;
  let flushing: ReturnType<typeof setTimeout> | undefined;
  let retrying: ReturnType<typeof setTimeout> | undefined;
  let hasFailed = false;

  const flush = () => {
    flushing = undefined;
    const what = [...pending];
    pending.clear();
    void refresh(...what);
  };
  const open = () => {
    source = new EventSource('/v1/stream');
    source.addEventListener('changed', (event: MessageEvent<string>) => {
      const { what } = JSON.parse(event.data) as { what: ChangedWhat[] };
      for (const word of what) pending.add(word);
      flushing ??= setTimeout(flush, FOLLOW_EVERY_MS);
    });
    source.onopen = () => {
      setLive(true);
      if (hasFailed) void queryClient.invalidateQueries({ predicate: isNotFrozen });
      hasFailed = false;
    };
    source.onerror = () => {
      setLive(false);
      if (!hasFailed) void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
      hasFailed = true;
      // A browser tries again by itself, but not after an answer such as 401.
      if (source?.readyState === EventSource.CLOSED) retrying = setTimeout(open, TRY_AGAIN_MS);
    };
  };
  open();
  return () => {
    source?.close();
    clearTimeout(flushing);
    clearTimeout(retrying);
  };
}
