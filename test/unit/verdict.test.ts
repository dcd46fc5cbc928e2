import fc from 'fast-check';
import { ORDER_STATUSES, type OrderStatus } from '../../domain/status';
import {
  VERDICT_RULES,
  decideVerdict,
  type Facts,
  type OrderFacts,
  type Verdict,
} from '../../domain/verdict';

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
  .map(({ order: stored, copy, ...rest }) => ({
    ...rest,
    ...(stored && { order: stored }),
    ...(copy && { copy }),
  }));

/** What can be said of an order, in a few words. */
const row = (status: OrderStatus, fields: Partial<OrderFacts> = {}) => ({
  order: { status, contentHash: 'hash-1', ...fields },
});
const byPerson = row('dispatched', { dispatchedBy: 'person', courierId: 'courier-1' });
const byAnswer = row('dispatched', { dispatchedBy: 'acknowledgement', courierId: 'courier-1' });
const live = (courierId = 'courier-1') => ({
  dispatch: { status: 'live' as const, courierId, requestId: 'o-1.1' },
});
const withdrawn = { dispatch: { status: 'withdrawn' as const } };
const copyOf = (contentHash: string, isOurs = true) => ({ copy: { contentHash, isOurs } });
const running = { workflow: 'running' as const };
const conflicting = { trigger: 'conflicting' as const };

/** What each rule decides; above all what a later rule would decide otherwise. */
const CASES: Record<string, { verdict: Verdict; facts: Partial<Facts>[] }> = {
  'a running workflow owns its order': {
    verdict: 'consistent',
    facts: [
      { ...running, ...byAnswer, ...copyOf('hash-2') },
      { ...running, ...byAnswer, ...conflicting },
      { ...running, ...copyOf('hash-1') },
      { ...running, ...copyOf('hash-1', false) },
      { ...running },
      { ...running, ...live() },
      { ...running, ...row('placed') },
      { ...running, ...row('cancelling') },
      { ...running, ...row('cancelled'), ...live() },
      { ...running, ...byPerson, ...live('courier-2') },
      { ...running, ...byPerson },
      { ...running, ...byAnswer, ...live() },
      { ...running, ...byAnswer, ...withdrawn },
    ],
  },
  'the contents differ': {
    verdict: 'askPerson',
    facts: [
      { ...byAnswer, ...live(), ...copyOf('hash-2'), ...conflicting },
      { ...byAnswer, ...live(), ...copyOf('hash-2') },
      { ...row('placed'), ...copyOf('hash-2', false) },
      { ...row('cancelling'), ...copyOf('hash-2') },
      { ...row('cancelled'), ...live(), ...copyOf('hash-2') },
      { ...byPerson, ...live('courier-2'), ...copyOf('hash-2') },
      { ...byPerson, ...copyOf('hash-2') },
    ],
  },
  'two answers contradict each other': {
    verdict: 'askPerson',
    facts: [
      { ...conflicting, ...copyOf('hash-1') },
      { ...conflicting, ...copyOf('hash-1', false) },
      { ...conflicting },
      { ...conflicting, ...live() },
      { ...conflicting, ...row('escalated') },
      { ...conflicting, ...row('cancelling') },
      { ...conflicting, ...row('cancelled'), ...live() },
      { ...conflicting, ...byPerson, ...live('courier-2') },
      { ...conflicting, ...byPerson },
      { ...conflicting, ...byAnswer, ...live() },
    ],
  },
  'the order is missing, and a request of ours has a copy': {
    verdict: 'restart',
    facts: [copyOf('hash-1'), { ...copyOf('hash-1'), ...live() }],
  },
  'the order is missing, and only a stranger asked for its dispatch': {
    verdict: 'askPerson',
    facts: [copyOf('hash-1', false), { ...copyOf('hash-1', false), ...live() }],
  },
  'nobody knows the order, and no courier is on the way': {
    verdict: 'consistent',
    facts: [{}, withdrawn],
  },
  'nobody knows the order, but a courier is on the way': {
    verdict: 'askPerson',
    facts: [live()],
  },
  'the order waits, and its workflow is gone': {
    verdict: 'restart',
    facts: [
      row('placed'),
      { ...row('placed'), ...live() },
      { ...row('escalated'), ...copyOf('hash-1') },
      // A row that somebody set back by hand: what it remembers of a courier says nothing.
      { ...row('placed', { dispatchedBy: 'person', courierId: 'courier-1' }), ...live() },
      row('escalated', { dispatchedBy: 'person', courierId: 'courier-1' }),
    ],
  },
  'the order is being cancelled, and its workflow is gone': {
    verdict: 'finishCancellation',
    facts: [
      { ...row('cancelling'), ...live() },
      // It keeps who had sent its courier, until the withdrawal is answered.
      { ...row('cancelling', { dispatchedBy: 'person', courierId: 'courier-1' }), ...live() },
      row('cancelling', { dispatchedBy: 'person', courierId: 'courier-1' }),
      {
        ...row('cancelling', { dispatchedBy: 'acknowledgement', courierId: 'courier-1' }),
        ...live(),
      },
    ],
  },
  'the order is cancelled, but a courier is on the way': {
    verdict: 'withdraw',
    facts: [
      { ...row('cancelled'), ...live() },
      { ...row('cancelled', { dispatchedBy: 'person', courierId: 'courier-2' }), ...live() },
      {
        ...row('cancelled', { dispatchedBy: 'acknowledgement', courierId: 'courier-1' }),
        ...live(),
      },
    ],
  },
  'the order is cancelled': {
    verdict: 'consistent',
    facts: [
      row('cancelled'),
      { ...row('cancelled'), ...withdrawn },
      row('cancelled', { dispatchedBy: 'person', courierId: 'courier-1' }),
    ],
  },
  'a person sent a courier, but another is on the way': {
    verdict: 'withdraw',
    facts: [
      { ...byPerson, ...live('courier-2') },
      // By the same name: it is still the dispatch system's, and nobody asked for it any more.
      { ...byPerson, ...live('courier-1') },
    ],
  },
  'a person sent a courier': { verdict: 'consistent', facts: [byPerson] },
  'the courier of the acknowledgement is on the way': {
    verdict: 'consistent',
    facts: [{ ...byAnswer, ...live() }],
  },
  'the order is dispatched, but its courier is not on the way': {
    verdict: 'askPerson',
    facts: [byAnswer, { ...byAnswer, ...withdrawn }, { ...byAnswer, ...live('courier-2') }],
  },
};
const completed = (given: Partial<Facts>): Facts => ({
  dispatch: { status: 'none' },
  workflow: 'ended',
  trigger: 'sweep',
  ...given,
});

describe('verdicts', () => {
  test.each(Object.entries(CASES))('%s: decides what no other rule does', (rule, given) => {
    const { verdict } = given;
    const decided = given.facts.map((each) => ({ facts: each, ...decideVerdict(completed(each)) }));
    expect(decided).toEqual(given.facts.map((each) => ({ facts: each, verdict, rule })));
  });

  test('no rule can be taken out, nor trade places with one whose facts it shares, unnoticed by the cases', () => {
    const all = fc.sample(facts, { numRuns: 20_000, seed: 1 });
    VERDICT_RULES.forEach((earlier, index) => {
      const cases = (CASES[earlier.name]?.facts ?? []).map(completed);
      expect({ rule: earlier.name, hasCases: cases.length > 0 }).toMatchObject({ hasCases: true });
      for (const later of VERDICT_RULES.slice(index + 1)) {
        const isShared = all.some(
          (given) => decideVerdict(given).rule === earlier.name && later.when(given),
        );
        const isTold = cases.some((given) => later.when(given));
        expect({ earlier: earlier.name, later: later.name, isTold: isTold || !isShared }).toEqual({
          earlier: earlier.name,
          later: later.name,
          isTold: true,
        });
      }
    });
  });

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
