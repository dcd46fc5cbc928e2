import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import type { Tone } from '../parts/words';
import type { Place } from './places';

/** Open tasks by reason. */
export function useTaskCounts() {
  return useQuery({ queryKey: ['tasks', 'counts'], queryFn: () => api.tasks({ limit: 1 }) });
}

/** The hold in force, if there is one. */
export function useHold() {
  const { data } = useQuery({ queryKey: ['hold'], queryFn: api.hold });
  return data?.hold ? data : undefined;
}

/** What stands beside an entry of the rail. */
export interface Badge {
  text: string;
  tone: Tone;
  /** For those who do not see where it stands. */
  means: string;
}

/** What is to be said beside each entry of the rail. */
export function useBadges(): Partial<Record<Place['to'], Badge>> {
  const tasks = useTaskCounts().data;
  const letters = useQuery({
    queryKey: ['deadLetters', 'counts'],
    queryFn: () => api.deadLetters({ state: 'open', limit: 1 }),
  }).data;
  const runs = useQuery({ queryKey: ['bulk', 'list'], queryFn: api.bulkRuns }).data?.runs;
  const health = useQuery({ queryKey: ['health', 'last'], queryFn: api.health }).data;
  const held = useHold();
  const running = runs?.filter(({ run }) => run.state === 'running').length ?? 0;
  const findings = health?.report?.findings.length ?? 0;
  return {
    ...(tasks && {
      '/inbox': { text: tasks.matched.toLocaleString('en'), tone: 'calm', means: 'open tasks' },
    }),
    ...(letters &&
      letters.matched > 0 && {
        '/dead-letters': {
          text: letters.matched.toLocaleString('en'),
          tone: 'warn',
          means: 'open',
        },
      }),
    ...(running > 0 && { '/bulk': { text: String(running), tone: 'busy', means: 'running' } }),
    ...(health &&
      health.state !== 'healthy' && {
        '/overview':
          health.state === 'stale'
            ? { text: '?', tone: 'warn', means: 'nobody checks the health' }
            : { text: String(findings), tone: 'bad', means: 'findings: the service is unhealthy' },
      }),
    ...(held && { '/hold': { text: 'on', tone: 'warn', means: 'requests are held' } }),
  };
}
