import { FirstTasks } from '../../worker/first-tasks';
import { NewestKeys } from '../../worker/newest-keys';
import { paceTelling } from '../../worker/telling-pace';
import { eventually } from '../setup';

describe('those who wake a workflow', () => {
  /** Takes so many turns at once, and says how many came. */
  const takeTurns = (turn: () => Promise<void>, count: number) => {
    const taken = { count: 0 };
    const all = Promise.all(Array.from({ length: count }, () => turn().then(() => taken.count++)));
    return { taken, all };
  };

  test('have their turn a few at a time while the workers are behind, and all in the end', async () => {
    // However long a look takes here, none is the last one for want of time.
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
    let looks = 0;
    let say: (isBehind: boolean) => void = () => {};
    const turn = paceTelling(() => {
      looks += 1;
      return new Promise((resolve) => (say = resolve));
    });
    const { taken, all } = takeTurns(turn, 12);
    const looked = (times: number) => eventually(() => looks === times);
    await looked(1);
    expect(taken.count).toBe(4);
    say(true);
    await looked(2);
    expect(taken.count).toBe(4);
    say(false);
    await looked(3);
    expect(taken.count).toBe(8);
    say(false);
    await all;
    expect(looks).toBe(3);
    clock.mockRestore();
  });

  test('do not wait for ever for workers that stay behind', async () => {
    const turn = paceTelling(() => Promise.resolve(true));
    const { taken, all } = takeTurns(turn, 5);
    await all;
    expect(taken.count).toBe(5);
  });

  test('have their turn where nobody can say whether the workers are behind', async () => {
    const turn = paceTelling(() => Promise.reject(new Error('Temporal is away')));
    const { taken, all } = takeTurns(turn, 50);
    await all;
    expect(taken.count).toBe(50);
  });
});

describe('first tasks of new orders', () => {
  const seen = (...waits: number[]) => {
    const firstTasks = new FirstTasks();
    for (const waitedMs of waits) firstTasks.saw(waitedMs);
    return firstTasks.areLate();
  };

  test.each([
    ['none', [], false],
    ['one that waited as long as any', [5_000], false],
    ['one that waited longer than the quickest', [20, 900], true],
    ['one that is quick again', [20, 900, 30], false],
    ['a server whose clock is ahead', [-4_000, -3_990], false],
    ['the same, and late', [-4_000, -3_000], true],
  ])('%s: late or not', (_, waits, isLate) => {
    expect(seen(...waits)).toBe(isLate);
  });

  test('are measured against the quickest of late: a clock that was set back makes none late for ever', () => {
    const firstTasks = new FirstTasks();
    let now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    firstTasks.saw(-4_000);
    firstTasks.saw(20);
    expect(firstTasks.areLate()).toBe(true);
    now += 11 * 60_000;
    firstTasks.saw(20);
    expect(firstTasks.areLate()).toBe(false);
    clock.mockRestore();
  });

  test('are late no longer where no order comes any more', async () => {
    const firstTasks = new FirstTasks();
    firstTasks.saw(20);
    firstTasks.saw(2_000);
    expect(firstTasks.areLate()).toBe(true);
    await eventually(() => !firstTasks.areLate());
  });
});

describe('the newest keys', () => {
  test('are remembered, so many of them, and one that comes again is new', () => {
    const keys = new NewestKeys(2);
    for (const key of ['a', 'b', 'a', 'c']) keys.add(key);
    expect(['a', 'b', 'c'].filter((key) => keys.has(key))).toEqual(['a', 'c']);
  });
});
