import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { planFaults, FAULT_NAMES } from '../../chaos/faults';
import type { ChaosReport } from '../../chaos/run';
import { MACHINE_FACTOR, patience } from '../patience';
import { isLongRun } from '../setup';

jest.setTimeout(patience(90_000));

interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the fault suite as a developer does. */
const chaos = async (...args: string[]) => {
  const main = join(__dirname, '..', '..', 'dist', 'chaos', 'main.js');
  const { exitCode, stdout, stderr } = await new Promise<Ended>((resolve) => {
    const running = execFile(
      process.execPath,
      [main, '--json', '--patience', String(MACHINE_FACTOR), ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (_, out, err) => resolve({ exitCode: running.exitCode, stdout: out, stderr: err }),
    );
  });
  if (stdout === '') throw new Error(stderr);
  // What it said of itself on the way is what a failure needs.
  return { exitCode, stderr, report: JSON.parse(stdout) as ChaosReport };
};
const broken = ({ checks }: ChaosReport) => checks.filter(({ offenders }) => offenders.length > 0);

/** Nothing is broken, or the report and what was said on the way are told. */
const expectWhole = ({ exitCode, report, stderr }: Awaited<ReturnType<typeof chaos>>) => {
  const { timelines } = report;
  const isWhole = exitCode === 0;
  const told = isWhole ? {} : { broken: broken(report), timelines, stderr: stderr.split('\n') };
  expect({ exitCode, ...told }).toEqual({ exitCode: 0 });
};

describe('under faults', () => {
  test('nothing is lost, doubled or forgotten', async () => {
    const ended = await chaos('--seed', '11', '--orders', '50', '--minutes', '0.35');
    expectWhole(ended);
    const { report } = ended;
    expect(report.faults.length).toBeGreaterThan(3);
    expect(report.decisions).toBeGreaterThan(0);
    // Each look saw something to look at.
    expect(report.checks.filter(({ looked }) => looked === 0).map(({ what }) => what)).toEqual([]);
  });

  describe('that kill dispatch systems again and again, of orders that ask once', () => {
    // What is lost stays lost, and is seen.
    const deaths = [
      ...['--seed', '31', '--orders', '40', '--minutes', '0.2', '--patient'],
      ...['--faults', 'killDispatchSystem', '--quiet-within', '20'],
      ...['--workers', '1', '--apis', '0'],
    ];

    describe('with deliberate bugs', () => {
      let ended: Awaited<ReturnType<typeof chaos>>;
      beforeAll(async () => {
        ended = await chaos(...deaths, '--bugs', 'ackBeforeCommit', 'noInbox');
      });

      test.each([
        ['ackBeforeCommit', 'dispatch-system-1', /every order .* ends/],
        ['noInbox', 'dispatch-system-2', /each answer was committed before it was sent/],
      ])('%s, of %s, is caught', (_bug, name, what) => {
        const { exitCode, report } = ended;
        expect(report.starts[name]).toBeGreaterThan(1);
        expect(exitCode).toBe(1);
        const seen = broken(report).map((check) => check.what);
        expect(seen).toContainEqual(expect.stringMatching(what));
        expect(report.timelines.length).toBeGreaterThan(0);
      });
    });

    // So the bugs are what was caught; each point at which one may die is in crash.test.ts.
    (isLongRun ? test : test.skip)('nothing is lost without them', async () => {
      expectWhole(await chaos(...deaths, '--dispatch-systems', '1'));
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
