import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '../../api/client';
import type { TaskFilter, TaskPage, TaskRow } from '../../api/contract';
import { keyOf } from './deciding';

/** Tasks that are read at once. */
const PAGE = 500;

/** How many tasks are looked at again after a hint. */
const LOOK_AT = 1_000;

/** A row, and whether the task is closed by now. */
export type InboxRow = TaskRow & { isClosed: boolean };

/** What the list shows: rows stay where they are until one asks for what is new. */
export interface InboxRows {
  rows: InboxRow[];
  matched: number;
  groups: TaskPage['groups'];
  /** Tasks that came and closed since the rows were read. */
  changed: { fresh: number; closed: number };
  error: Error | null;
  isReading: boolean;
  hasMore: boolean;
  readMore: () => void;
  showNew: () => void;
}

/** The inbox's rows, page by page. */
export function useInboxRows(filter: TaskFilter): InboxRows {
  const client = useQueryClient();
  const key = ['inbox', filter];
  const frozen = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => api.tasks({ ...filter, limit: PAGE, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    // Rows do not jump: a look at the list is read once, and kept as long as one looks.
    staleTime: Infinity,
    gcTime: 0,
  });
  const pages = frozen.data?.pages;
  const loaded = useMemo(() => pages?.flatMap(({ rows }) => rows) ?? [], [pages]);
  const live = useQuery({
    queryKey: ['tasks', 'live', filter],
    queryFn: () => api.tasks({ ...filter, limit: LOOK_AT }),
    enabled: pages !== undefined,
    // What was just read need not be read again before something changes.
    initialData: () => pages?.[0],
    initialDataUpdatedAt: frozen.dataUpdatedAt,
    gcTime: 0,
  }).data;
  const seen = useMemo(
    () => compare(loaded, live, pages?.[0]?.matched ?? 0),
    [loaded, live, pages],
  );
  const { hasNextPage, isFetchingNextPage } = frozen;
  return {
    ...seen,
    matched: live?.matched ?? 0,
    groups: live?.groups ?? [],
    error: frozen.error,
    isReading: frozen.isPending || isFetchingNextPage,
    hasMore: hasNextPage,
    readMore: () => {
      if (hasNextPage && !isFetchingNextPage) void frozen.fetchNextPage();
    },
    showNew: () => void client.resetQueries({ queryKey: key }),
  };
}

function compare(
  loaded: readonly TaskRow[],
  live: TaskPage | undefined,
  matchedBefore: number,
): Pick<InboxRows, 'rows' | 'changed'> {
  if (!live) {
    return {
      rows: loaded.map((row) => ({ ...row, isClosed: false })),
      changed: { fresh: 0, closed: 0 },
    };
  }
  const isWhole = live.rows.length >= live.matched;
  const now = new Map(live.rows.map((row) => [keyOf(row), row]));
  const rows = loaded.map((row) => {
    const current = now.get(keyOf(row));
    return { ...(current ?? row), isClosed: isWhole && !current };
  });
  const known = new Set(loaded.map(keyOf));
  // Of a long list only the first rows were looked at: then the counts say how many more there are.
  const fresh =
    isWhole && loaded.length >= matchedBefore
      ? live.rows.filter((row) => !known.has(keyOf(row))).length
      : Math.max(0, live.matched - matchedBefore);
  return { rows, changed: { fresh, closed: rows.filter(({ isClosed }) => isClosed).length } };
}
