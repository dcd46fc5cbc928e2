import type { Check } from './checks';
import type { ChaosReport, SufferedFault } from './run';

/** Offenders that are named of each check. */
const NAMED = 10;

/** Whether all that must hold holds. */
export function holds({ checks, quietMs }: ChaosReport): boolean {
  return quietMs !== undefined && checks.every(({ offenders }) => offenders.length === 0);
}

/** A report as text. */
export function reportText(report: ChaosReport): string {
  const { seed, orders, statuses, faults, starts, quietMs, timelines } = report;
  const { decisions, bulkRuns, repairs, deadLetters, strays } = report;
  const lines = [
    `${orders} orders, ${faults.length} faults, seed ${seed}`,
    '',
    'Faults',
    ...faults.map(faultLine),
    `  processes were started: ${counts(starts)}`,
    '',
    'What came of it',
    `  orders: ${counts(statuses)}`,
    `  ${decisions} decisions of people, ${bulkRuns} bulk runs, ${repairs} repairs, ${deadLetters} dead letters`,
    `  stray answers: ${counts(strays)}`,
    quietMs === undefined
      ? '  it did not get quiet'
      : `  quiet ${seconds(quietMs)} after the last fault`,
    '',
    'What must hold',
    ...report.checks.flatMap(checkLines),
    ...timelines.flatMap(({ orderId, entries }) => [
      '',
      `What happened to ${orderId}`,
      ...entries.map(({ at, what, ...more }) => `  ${at}  ${what}  ${JSON.stringify(more)}`),
    ]),
    '',
    holds(report)
      ? 'Nothing was lost, doubled or forgotten.'
      : `BROKEN. Again with the same plan: npm run chaos -- --seed ${seed} --orders ${orders}`,
  ];
  return lines.join('\n');
}

function faultLine({ name, victim, atMs, lastedMs, recoveredMs }: SufferedFault): string {
  const recovered = recoveredMs === undefined ? 'not seen' : `${seconds(recoveredMs)} later`;
  return `  ${seconds(atMs).padStart(8)}  ${name.padEnd(20)}${victim.padEnd(22)} for ${seconds(lastedMs)}; an order was dispatched ${recovered}`;
}

function checkLines({ id, what, looked, offenders }: Check): string[] {
  const verdict = offenders.length === 0 ? 'holds ' : 'BROKEN';
  const named = offenders
    .slice(0, NAMED)
    .map(({ orderId, why }) => `            ${orderId === undefined ? '' : `${orderId} `}${why}`);
  const more = offenders.length - named.length;
  return [
    `  ${verdict}  ${id.padEnd(8)}${what} (${looked} looked at)`,
    ...named,
    ...(more > 0 ? [`            and ${more} more`] : []),
  ];
}

function counts(byName: Readonly<Record<string, number>>): string {
  return Object.entries(byName)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
