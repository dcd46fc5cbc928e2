/**
 * `npm run test:hostile`: runs the tests of a fresh clone as other machines would, one run after the other,
 * and prints a line for each. Takes an hour or two.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { execa } from 'execa';
import { packageRoot } from '../runtime/package-root';
import { runCommand } from '../stack/supervision/run-command';

interface HostileRun {
  command: 'test' | 'test:all';
  times: number;
  /** Keeps every core busy meanwhile. */
  burners?: boolean;
  timeZone?: string;
}

const RUNS: Readonly<Record<string, HostileRun>> = {
  quiet: { command: 'test', times: 3 },
  busy: { command: 'test', times: 1, burners: true },
  timeZone: { command: 'test', times: 1, timeZone: 'Asia/Kolkata' },
  busyAll: { command: 'test:all', times: 1, burners: true },
};

const HELP = `
Runs:
  quiet      npm test, three times
  busy       npm test, with a process on each core that never pauses
  timeZone   npm test, with TZ=Asia/Kolkata
  busyAll    npm run test:all, with a process on each core that never pauses

Example:
  $ npm run test:hostile -- --only busy timeZone`;

runCommand('test:hostile', async (stop) => {
  const { only } = new Command('npm run test:hostile --')
    .description('Runs the tests of a fresh clone as other machines would.')
    .option('--only <runs...>', 'some of the runs below', parseRun, Object.keys(RUNS))
    .addHelpText('after', HELP)
    .exitOverride()
    .parse()
    .opts<{ only: string[] }>();
  const folder = mkdtempSync(join(tmpdir(), 'order-dispatch-hostile-'));
  const clone = join(folder, 'clone');
  let failed = false;
  try {
    execFileSync('git', ['clone', '--quiet', packageRoot(), clone]);
    await execa('npm', ['run', 'setup'], { cwd: clone, stdio: 'inherit', cancelSignal: stop });
    for (const [name, run] of Object.entries(RUNS)) {
      if (!only.includes(name)) continue;
      for (let time = 1; time <= run.times; time += 1) {
        const { line, passed } = await runOnce(clone, run, stop);
        failed ||= !passed;
        console.log(`${name} ${time} of ${run.times}: ${line}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return failed ? 1 : 0;
});

function parseRun(name: string, before: string[]): string[] {
  if (!Object.hasOwn(RUNS, name)) {
    throw new InvalidArgumentError(`The runs are ${Object.keys(RUNS).join(', ')}.`);
  }
  return before.length === Object.keys(RUNS).length ? [name] : [...before, name];
}

async function runOnce(
  clone: string,
  run: HostileRun,
  stop: AbortSignal,
): Promise<{ line: string; passed: boolean }> {
  const results = join(clone, '.local', 'hostile.json');
  rmSync(results, { force: true });
  const burners = Array.from({ length: run.burners ? availableParallelism() : 0 }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    const { stderr, exitCode } = await execa(
      'npm',
      ['run', run.command, '--', '--json', `--outputFile=${results}`],
      {
        cwd: clone,
        env: run.timeZone === undefined ? {} : { TZ: run.timeZone },
        // Jest's own JSON, which is in the file, too.
        stdout: 'ignore',
        stderr: ['inherit', 'pipe'],
        reject: false,
        cancelSignal: stop,
        forceKillAfterDelay: 60_000,
      },
    );
    stop.throwIfAborted();
    const ours = stderr.split('\n').filter((line) => /^test: (this machine|took)/.test(line));
    const costs = ours.map((line) => line.slice('test: '.length)).join('; ');
    return { line: `${countsOf(results)}; ${costs}`, passed: exitCode === 0 };
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
}

function countsOf(results: string): string {
  const counts = JSON.parse(readFileSync(results, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
  };
  return `${counts.numPassedTests} passed, ${counts.numFailedTests} failed`;
}
