import { QuickPath } from '../../activities/quick-path';
import type { AcknowledgedSignal } from '../../domain/workflow-contract';

const SIGNAL: AcknowledgedSignal = {
  class: 'first',
  answer: { requestId: 'o.1', outcome: 'accepted', courierId: 'c', receivedAt: '2026-11-24' },
};

describe('places in the quick path', () => {
  test('no more orders wait than there are places; each comes back, answered or not', async () => {
    const quickPath = new QuickPath(2);
    const [one, two] = [quickPath.enter('one'), quickPath.enter('two')];
    expect(quickPath.enter('three')).toBeUndefined();

    const answered = one?.answer(60_000);
    expect(quickPath.tell('one', SIGNAL)).toBe(true);
    expect(await answered).toBe(SIGNAL);
    const three = quickPath.enter('three');
    expect(three).toBeDefined();
    expect(quickPath.enter('four')).toBeUndefined();

    expect(await two?.answer(1)).toBeUndefined();
    three?.leave();
    three?.leave();
    expect([quickPath.enter('five'), quickPath.enter('six')]).not.toContain(undefined);
    expect(quickPath.enter('seven')).toBeUndefined();
  });

  test('after ten missed windows one order at a time tries, until one is answered', async () => {
    const quickPath = new QuickPath(20);
    for (let missed = 0; missed < 10; missed += 1) {
      await quickPath.enter(`missed-${missed}`)?.answer(1);
    }
    const probe = quickPath.enter('probe');
    expect(quickPath.enter('other')).toBeUndefined();

    const answered = probe?.answer(60_000);
    quickPath.tell('probe', SIGNAL);
    await answered;
    expect([quickPath.enter('one'), quickPath.enter('two')]).not.toContain(undefined);
  });
});
