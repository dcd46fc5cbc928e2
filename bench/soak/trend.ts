import { linearRegression } from 'simple-statistics';

/** A value at a time. */
export interface Sample {
  /** Since the load began, in ms. */
  atMs: number;
  value: number;
}

/** How a value went after the first third of the time. */
export interface Trend {
  /** At the end of the first third, as the line says that fits best. */
  from: number;
  /** At the end, likewise. */
  to: number;
  slopePerHour: number;
}

const HOUR_MS = 3_600_000;

/**
 * Fits a line through what came after the first third: until then, pools and caches fill.
 *
 * @throws where there are fewer than two samples to go by.
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const endMs = samples.at(-1)?.atMs ?? 0;
  const settled = samples.filter(({ atMs }) => atMs >= endMs / 3);
  const [first] = settled;
  if (!first || settled.length < 2) throw new Error('too short: there are not enough samples');
  const { m, b } = linearRegression(settled.map(({ atMs, value }) => [atMs, value]));
  return { from: m * first.atMs + b, to: m * endMs + b, slopePerHour: m * HOUR_MS };
}
