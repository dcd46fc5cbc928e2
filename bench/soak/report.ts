import Table from 'cli-table3';
import type { Latencies } from '../measure/spread';
import type { Sample, Trend } from './trend';

/** How something went that was read again and again. */
export interface Course extends Trend {
  name: string;
  /** Whether it went as it should. */
  isFine: boolean;
  /** All that was read, the first third, too: they tell what fills from what leaks. */
  read: readonly Sample[];
}

/** What a soak came to. */
export interface SoakReport {
  minutes: number;
  /** Orders per second: what the service took at most before, and what it was given. */
  fullRate?: number;
  rate: number;
  orders: number;
  latencyMs: Latencies;
  /** Of the customers and people beside. */
  meanwhile: { orders: number; decisions: number };
  samples: number;
  /** By how much a process may grow after the first third, in MiB. */
  growthMib: number;
  memoryMiB: Course[];
  descriptors: Course[];
  tablesMiB: Course[];
}

/** By how many descriptors a process may grow after the first third: connections come and go. */
export const DESCRIPTORS_MORE = 8;

/** By how much a table may grow that has no row for each order, in MiB: some pages. */
export const TABLE_MORE_MIB = 0.05;

/** Whether nothing grew that should not. */
export function isFlat({ memoryMiB, descriptors, tablesMiB }: SoakReport): boolean {
  return [...memoryMiB, ...descriptors, ...tablesMiB].every(({ isFine }) => isFine);
}

/** The report for a person. */
export function reportText(report: SoakReport): string {
  const { minutes, fullRate, rate, orders, latencyMs, meanwhile, samples, growthMib } = report;
  const half = fullRate === undefined ? '' : ` of ${fullRate.toFixed(1)} that it takes at most`;
  return [
    `${orders} orders in ${minutes} minutes: ${rate.toFixed(1)} per second${half}; p50 ${latencyMs.p50.toFixed(0)} ms, p99 ${latencyMs.p99.toFixed(0)} ms`,
    `beside these ${meanwhile.orders} orders that met all else, and ${meanwhile.decisions} decisions of people`,
    `after the first third of ${samples} samples:`,
    '',
    tableOf(`resident memory, MiB; ${growthMib} more at most`, report.memoryMiB),
    '',
    tableOf(`open file descriptors; ${DESCRIPTORS_MORE} more at most`, report.descriptors),
    '',
    tableOf('tables with their indexes, MiB', report.tablesMiB),
    '',
    isFlat(report)
      ? 'Nothing grows but what keeps orders.'
      : 'GROWS: see the lines with an exclamation mark.',
  ].join('\n');
}

function tableOf(title: string, courses: readonly Course[]): string {
  const table = new Table({
    head: [title, 'from', 'to', 'slope per hour', ''],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, from, to, slopePerHour, isFine } of courses) {
    const numbers = [from, to, slopePerHour].map((value) => value.toFixed(1));
    table.push([name, ...numbers, isFine ? '' : '!']);
  }
  return table.toString();
}
