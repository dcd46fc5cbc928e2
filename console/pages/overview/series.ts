import type { HealthPoint } from '../../api/contract';
import { reasonWord } from '../../parts/words';
import type { ChartSeries } from './chart';

/** A chart of the overview; a value is null where it was not looked at. */
export interface ChartData {
  title: string;
  unit?: 'ms';
  series: ChartSeries[];
}

/** The lines that one chart can hold before nobody can tell them apart. */
const MOST_LINES = 6;

/** What the health reports say, as charts. */
export function seriesOf(reports: readonly HealthPoint[]): ChartData[] {
  return [
    {
      title: 'Orders that are not final, by status',
      series: byName(reports, ({ figures }) => figures.orders),
    },
    {
      title: 'Open tasks, by reason',
      series: byName(reports, ({ figures }) => figures.openTasks).map((line) => ({
        ...line,
        name: reasonWord(line.name).text,
      })),
    },
    {
      title: 'From placing to the applied answer',
      unit: 'ms',
      series: [
        {
          name: 'half within',
          values: reports.map((each) => each.figures.acknowledgementMs?.p50 ?? null),
        },
        {
          name: '99 % within',
          values: reports.map((each) => each.figures.acknowledgementMs?.p99 ?? null),
        },
      ],
    },
    {
      title: 'Messages that wait, by queue',
      series: byName(
        reports,
        ({ figures: { queues } }) =>
          queues &&
          Object.fromEntries(
            Object.entries(queues).map(([name, { messages }]) => [name, messages]),
          ),
      ),
    },
  ];
}

/** A line for each name that ever came, those that reached highest first. */
function byName(
  reports: readonly HealthPoint[],
  countsOf: (report: HealthPoint) => Record<string, number> | undefined,
): ChartSeries[] {
  const counts = reports.map(countsOf);
  const names = [...new Set(counts.flatMap((each) => Object.keys(each ?? {})))];
  const peak = ({ values }: ChartSeries) => Math.max(...values.map((value) => value ?? 0));
  return names
    .map((name) => ({ name, values: counts.map((each) => (each ? (each[name] ?? 0) : null)) }))
    .sort((left, right) => peak(right) - peak(left))
    .slice(0, MOST_LINES);
}
