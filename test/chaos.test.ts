import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { planFaults, FAULT_NAMES } from '../chaos/faults';
import type { ChaosReport } from '../chaos/run';

interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the fault suite as a developer does. */
const chaos = async (...args: string[]) => {
  const main = join(__dirname, '..', 'dist', 'chaos', 'main.js');
  const { exitCode, stdout, stderr } = await new Promise<Ended>((resolve) => {
    const running = execFile(
      process.execPath,
      [main, '--json', ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (_, out, err) => resolve({ exitCode: running.exitCode, stdout: out, stderr: err }),
    );
  });
  if (stdout === '') throw new Error(stderr);
  return { exitCode, report: JSON.parse(stdout) as ChaosReport };
};
const broken = ({ checks }: ChaosReport) =>
  checks.filter(({ offenders }) => offenders.length > 0).map(({ what }) => what);

describe('under faults', () => {
  test('nothing is lost, doubled or forgotten', async () => {
    const { exitCode, report } = await chaos('--seed', '11', '--orders', '60', '--minutes', '0.4');
    expect(broken(report)).toEqual([]);
    expect(exitCode).toBe(0);
    expect(report.faults.length).toBeGreaterThan(3);
    expect(report.decisions).toBeGreaterThan(0);
    // Each look saw something to look at.
    expect(report.checks.filter(({ looked }) => looked === 0).map(({ what }) => what)).toEqual([]);
  }, 240_000);

  // Orders that ask once, and dispatch systems that die meanwhile: what is lost stays lost, and is seen.
  const OF_DEATHS = [
    ...['--seed', '5', '--orders', '40', '--minutes', '0.2', '--patient'],
    ...['--faults', 'killDispatchSystem', '--quiet-within', '20', '--workers', '1'],
  ];

  describe('that kill a dispatch system again and again', () => {
    // They wait most of the time, so they wait together.
    let runs: Awaited<ReturnType<typeof chaos>>[];
    beforeAll(async () => {
      const bugs = [[], ['--bug', 'ackBeforeCommit'], ['--bug', 'noInbox']];
      runs = await Promise.all(bugs.map((bug) => chaos(...OF_DEATHS, ...bug)));
    }, 180_000);

    test('nothing is lost', () => {
      const [asItIs] = runs;
      expect(asItIs && broken(asItIs.report)).toEqual([]);
      expect(asItIs?.exitCode).toBe(0);
    });

    test.each([
      ['ackBeforeCommit', 1, /every order .* ends/],
      ['noInbox', 2, /each answer was committed before it was sent/],
    ])('the deliberate bug %s is caught', (_bug, index, what) => {
      const withBug = runs[index];
      expect(withBug?.exitCode).toBe(1);
      expect(withBug && broken(withBug.report)).toContainEqual(expect.stringMatching(what));
      expect(withBug?.report.timelines.length).toBeGreaterThan(0);
    });
  });

  test('the same seed plans the same, another one another, and no fault comes twice before all came', () => {
    const plan = (seed: number) => planFaults(seed, { names: FAULT_NAMES, forMs: 600_000 });
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
    const first = plan(7).slice(0, FAULT_NAMES.length);
    expect(new Set(first.map(({ name }) => name)).size).toBe(FAULT_NAMES.length);
  });
});
