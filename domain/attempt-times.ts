import type { Policy } from './policy';
import type { PendingAttempt } from './why-facts';

/** When an attempt that is out is given up and the next one begins, ISO 8601; `undefined` for the last. */
export function nextAttemptAt(attempt: PendingAttempt, policy: Policy): string | undefined {
  const { number, of, scheduledAt, startedAt } = attempt;
  if (startedAt === undefined) return scheduledAt;
  const endsAt = attemptEndMs(attempt, policy);
  if (number >= of || endsAt === undefined) return undefined;
  return within(endsAt + pauseMs(number, policy), attempt);
}

/** When a person is asked if no answer comes and each attempt goes as long as it may, ISO 8601. */
export function policyEnd(attempt: PendingAttempt, policy: Policy): string | undefined {
  const { number, of, scheduledAt, startedAt, endsAt } = attempt;
  const { acknowledgementTimeoutMs } = policy;
  let end =
    startedAt === undefined && scheduledAt !== undefined
      ? Date.parse(scheduledAt) + acknowledgementTimeoutMs
      : attemptEndMs(attempt, policy);
  // Nobody knows how long an outage lasts, but for the deadline.
  if (end === undefined) return endsAt;
  for (let n = number; n < of; n += 1) end += pauseMs(n, policy) + acknowledgementTimeoutMs;
  const last = endsAt === undefined ? end : Math.min(end, Date.parse(endsAt));
  return new Date(last).toISOString();
}

/** When the attempt that is out times out, in ms since 1970. */
function attemptEndMs(
  { confirmedAt, waitsFor }: PendingAttempt,
  policy: Policy,
): number | undefined {
  if (confirmedAt === undefined || waitsFor !== undefined) return undefined;
  return Date.parse(confirmedAt) + policy.acknowledgementTimeoutMs;
}

/** The pause after an attempt, in ms, as Temporal makes it. */
function pauseMs(number: number, policy: Policy): number {
  const { initialIntervalMs, backoffCoefficient, maximumIntervalMs } = policy;
  const longest = Math.max(maximumIntervalMs, initialIntervalMs);
  return Math.min(initialIntervalMs * backoffCoefficient ** (number - 1), longest);
}

function within(ms: number, { endsAt }: PendingAttempt): string | undefined {
  if (endsAt !== undefined && ms >= Date.parse(endsAt)) return undefined;
  return new Date(ms).toISOString();
}
