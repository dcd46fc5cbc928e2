import type { PolicyOverrides } from '../client';
import { draw } from './draw';

/** What the dispatch system does with an order's messages, and how many of a hundred orders are so. */
const SHARES = {
  accept: 54,
  reject: 8,
  retryLater: 10,
  silentOnce: 8,
  silent: 5,
  late: 8,
  refuseWithdrawal: 7,
} as const;

/** Of orders that ask once: nobody is silent, and many answers are late, so that a death finds them under way. */
const SHARES_OF_PATIENT: Readonly<Partial<Record<Behaviour, number>>> = {
  accept: 35,
  reject: 5,
  late: 60,
};

/** What the dispatch system does with an order's messages. */
export type Behaviour = keyof typeof SHARES;

/** Orders of all behaviours; those that ask once and are answered; or those that are accepted. */
export type OrderKind = 'any' | 'patient' | 'accept';

/** An order's ID carries its behaviour, so that each dispatch system knows it, and the reader of a report. */
export function orderIdOf(seed: number, n: number, kind: OrderKind = 'any'): string {
  if (kind === 'accept') return `c${seed}-${n}-accept`;
  let at = draw(seed, 'behaviour', n) * 100;
  const shares = kind === 'patient' ? SHARES_OF_PATIENT : SHARES;
  const found = Object.entries(shares).find(([, share]) => (at -= share) < 0);
  return `c${seed}-${n}-${found?.[0] ?? 'accept'}`;
}

/** The behaviour that an order's ID carries. */
export function behaviourOf(orderId: string): Behaviour {
  const name = orderId.split('-').at(-1) ?? '';
  return name in SHARES ? (name as Behaviour) : 'accept';
}

/** Silence becomes a human task in seconds. */
export const IMPATIENT: PolicyOverrides = {
  acknowledgementTimeoutMs: 2_000,
  initialIntervalMs: 200,
  maximumIntervalMs: 2_000,
  maximumAttempts: 4,
};

/** Nothing is asked again: what was lost once stays lost, and is seen. */
export const PATIENT: PolicyOverrides = {
  acknowledgementTimeoutMs: 600_000,
  maximumAttempts: 1,
};
