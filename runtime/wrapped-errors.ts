/** An error and all that it wraps: its causes, and what Prisma puts around the driver's error. */
export function* wrappedErrors(error: unknown): Generator<Readonly<Record<string, unknown>>> {
  const seen = new Set<unknown>();
  const pending: unknown[] = [error];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    const fields = next as Record<string, unknown>;
    yield fields;
    pending.push(fields['cause'], fields['meta'], fields['driverAdapterError']);
  }
}
