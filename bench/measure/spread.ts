import { max, median, min, quantileSorted } from 'simple-statistics';

/** A value that was measured once in each round. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** What the rounds make of a value. */
export function spreadOf(values: number[]): Spread {
  return { median: median(values), min: min(values), max: max(values) };
}

/** How long orders took, in ms. */
export interface Latencies {
  p50: number;
  p99: number;
  max: number;
}

/** The percentiles of one round's latencies. */
export function latenciesOf(latenciesMs: number[]): Latencies {
  const sorted = [...latenciesMs].sort((left, right) => left - right);
  return {
    p50: quantileSorted(sorted, 0.5),
    p99: quantileSorted(sorted, 0.99),
    max: quantileSorted(sorted, 1),
  };
}
