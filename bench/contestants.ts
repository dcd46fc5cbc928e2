import type { ProcessName } from '../stack/processes';

interface Description {
  /** For the tables. */
  title: string;
  /** For whoever has not met it. */
  what: string;
  /** Further processes of ours that it needs, each started for it alone. */
  processes: readonly ProcessName[];
  /** What its own process is, in the report. */
  role: 'worker' | 'client';
  /** Whether it does the job at all, so that its result can be checked. */
  dispatches: boolean;
}

/** Who takes part, by the name of its file in `contestants/`. */
export const CONTESTANTS = {
  service: {
    title: '(a) service',
    what: 'this service; the process that places the orders has the worker, too',
    processes: ['dispatch-system'],
    role: 'worker',
    dispatches: true,
  },
  'service-apart': {
    title: "(a') service-apart",
    what: 'this service; client and worker are two processes',
    processes: ['dispatch-system', 'worker'],
    role: 'client',
    dispatches: true,
  },
  naive: {
    title: '(b) naive',
    what: 'the same job as samples build it: an activity a step, a signal, a timer',
    processes: ['dispatch-system'],
    role: 'worker',
    dispatches: true,
  },
  ceiling: {
    title: '(c) ceiling',
    what: 'an empty workflow: the most that any service on this engine can do',
    processes: [],
    role: 'worker',
    dispatches: false,
  },
  floor: {
    title: '(d) floor',
    what: 'the same job without an engine, nor any guarantee: the least that it costs',
    processes: [],
    role: 'worker',
    dispatches: true,
  },
  parts: {
    title: '(e) parts',
    what: "this service's own parts without Temporal: what of the cost is ours alone",
    processes: ['dispatch-system'],
    role: 'worker',
    dispatches: true,
  },
} as const satisfies Record<string, Description>;

/** A contestant's name. */
export type ContestantName = keyof typeof CONTESTANTS;

/** Who takes part, in the order of the tables. */
export const CONTESTANT_NAMES = Object.keys(CONTESTANTS) as ContestantName[];

/** What each of them is, line by line. */
export function describeContestants(names: readonly ContestantName[]): string {
  return names
    .map((name) => `  ${CONTESTANTS[name].title.padEnd(21)}${CONTESTANTS[name].what}`)
    .join('\n');
}
