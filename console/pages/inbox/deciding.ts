import { useSyncExternalStore } from 'react';
import { api, Problem } from '../../api/client';
import type { TaskRow } from '../../api/contract';
import { queryClient, refresh, SESSION_KEY } from '../../api/query-client';

/** What became of a decision of this page's: never more than the service said. */
export type Deciding =
  /** `isLong`: it was taken, and is not carried out yet. */
  | { state: 'deciding'; decision: string; isLong?: boolean }
  | { state: 'decided'; decision: string; status?: string }
  /** Somebody or something else was quicker, or it is not possible: in the service's words. */
  | { state: 'refused'; decision: string; why: string }
  /** Nobody answered: whether it was taken is not known; the same again is safe. */
  | { state: 'notKnown'; decision: string; why: string };

let all: ReadonlyMap<string, Deciding> = new Map();
const listeners = new Set<() => void>();

/** Tells one task from another: a workflow may open several, one after the other. */
export function keyOf({ taskId, openedAt }: Pick<TaskRow, 'taskId' | 'openedAt'>): string {
  return `${taskId} ${openedAt}`;
}

function set(key: string, deciding: Deciding | undefined): void {
  const changed = new Map(all);
  if (deciding) changed.set(key, deciding);
  else changed.delete(key);
  all = changed;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** All decisions of this page's, by task. */
export function useDeciding(): ReadonlyMap<string, Deciding> {
  return useSyncExternalStore(subscribe, () => all);
}

/** Sends a decision, and says what became of it. */
export async function decide(
  task: TaskRow,
  decision: string,
  values: Record<string, unknown>,
): Promise<void> {
  const key = keyOf(task);
  set(key, { state: 'deciding', decision });
  try {
    const { order, asked } = await api.resolve(task.taskId, {
      ...values,
      decision,
      openedAt: task.openedAt,
    });
    if (asked === undefined) set(key, { state: 'decided', decision, status: order?.status });
    else set(key, { state: 'deciding', decision, isLong: true });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      // Asked again once one has signed in: what was typed is still there.
      set(key, undefined);
      void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
      return;
    }
    const why = error instanceof Error ? error.message : String(error);
    const isRefused = error instanceof Problem && error.status >= 400 && error.status < 500;
    set(key, { state: isRefused ? 'refused' : 'notKnown', decision, why });
  } finally {
    void refresh('tasks', 'orders', 'audit');
  }
}
