import fc from 'fast-check';
import { ORDER_STATUSES } from '../domain/status';
import { VERDICT_RULES, decideVerdict, type Facts } from '../domain/verdict';

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const order = fc
  .record({
    status: fc.constantFrom(...ORDER_STATUSES),
    by: fc.constantFrom('acknowledgement' as const, 'person' as const),
    courierId: fc.constantFrom('courier-1', 'courier-2'),
    contentHash: fc.constantFrom('hash-1', 'hash-2'),
  })
  .map(({ status, by, courierId, contentHash }) => ({
    status,
    contentHash,
    ...(status === 'dispatched' && { dispatchedBy: by, courierId }),
  }));

const facts: fc.Arbitrary<Facts> = fc
  .record({
    order: optional(order),
    dispatch: fc.constantFrom(
      { status: 'none' as const },
      { status: 'withdrawn' as const },
      { status: 'live' as const, courierId: 'courier-1', requestId: 'o-1.1' },
    ),
    workflow: fc.constantFrom('running' as const, 'ended' as const, 'none' as const),
    trigger: fc.constantFrom('request', 'late', 'conflicting', 'sweep', 'person'),
    copy: optional(
      fc.record({
        contentHash: fc.constantFrom('hash-1', 'hash-2'),
        isOurs: fc.boolean(),
      }),
    ),
  })
  .map(({ order: row, copy, ...rest }) => ({
    ...rest,
    ...(row && { order: row }),
    ...(copy && { copy }),
  }));

describe('verdicts', () => {
  test('every combination of facts has exactly one verdict, and the same one each time', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(facts, (given) => {
        const { verdict, rule } = decideVerdict(given);
        seen.add(rule);
        expect(decideVerdict(structuredClone(given))).toEqual({ verdict, rule });
      }),
      { numRuns: 5_000 },
    );
    // No rule is dead: each decides something.
    expect([...seen].sort()).toEqual(VERDICT_RULES.map(({ name }) => name).sort());
  });

  test('a running workflow is left alone, whatever the rows say', () => {
    fc.assert(
      fc.property(facts, (given) => {
        expect(decideVerdict({ ...given, workflow: 'running' }).verdict).toBe('consistent');
      }),
    );
  });

  test('a courier is withdrawn only where the order is cancelled or has a person’s courier', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(decideVerdict(given).verdict === 'withdraw');
        expect(given.dispatch.status).toBe('live');
        expect(given.order?.status === 'cancelled' || given.order?.dispatchedBy === 'person').toBe(
          true,
        );
      }),
    );
  });

  test('an order is placed again from a copy only where the copy is ours', () => {
    fc.assert(
      fc.property(facts, (given) => {
        fc.pre(!given.order && decideVerdict(given).verdict === 'restart');
        expect(given.copy?.isOurs).toBe(true);
      }),
    );
  });
});
