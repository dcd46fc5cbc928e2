/** `npm run check`: every check that a change must pass. */
import { join } from 'node:path';
import { Command } from 'commander';
import { execa } from 'execa';
import { packageRoot } from '../runtime/package-root';
import { Narrator } from '../stack/narrator';
import { runCommand } from '../stack/supervision/run-command';

interface Check {
  name: string;
  /** A program of a dependency's, or a path. */
  program: string;
  arguments: readonly string[];
  /** What to do about a failure, where there is a command for it. */
  mend?: string;
}

/** Those that only read, and so go on side by side. */
const CHECKS: readonly Check[] = [
  { name: 'unused code', program: 'knip', arguments: ['--no-progress'] },
  { name: 'format', program: 'prettier', arguments: ['--check', '.'], mend: 'npm run format' },
  { name: 'types', program: 'tsc', arguments: ['--noEmit'] },
  { name: 'types of the console', program: 'tsc', arguments: ['-p', 'console'] },
  { name: 'lint', program: 'eslint', arguments: ['.'] },
];

/** Need what `npm run check` has compiled. */
const DESCRIPTIONS: readonly Check[] = [
  {
    name: 'API description',
    program: process.execPath,
    arguments: [join(packageRoot(), 'dist', 'scripts', 'openapi.js'), '--check'],
    mend: 'npm run openapi',
  },
  {
    name: 'message contracts',
    program: process.execPath,
    arguments: [join(packageRoot(), 'dist', 'scripts', 'contracts.js'), '--check'],
    mend: 'npm run contracts',
  },
];

const TESTS: Check = {
  name: 'tests',
  program: process.execPath,
  arguments: [join(packageRoot(), 'dist', 'scripts', 'test.js'), 'test'],
};

/** How long a check may take to end once it was told to: the tests take their servers down. */
const GRACE_MS = 60_000;

runCommand('check', async (stop) => {
  const { skipTests } = parseOptions();
  const narrator = new Narrator(process.stdout);
  const reading = [...CHECKS, ...DESCRIPTIONS];
  const checks = skipTests ? reading : [...reading, TESTS];
  const failed: Check[] = [];
  const run = async (check: Check) => {
    if (!(await passes(check, narrator, stop))) failed.push(check);
    stop.throwIfAborted();
  };
  narrator.heading('Checks');
  await Promise.all(reading.map(run));
  // Not beside the others, which would take its time away.
  if (!skipTests) await run(TESTS);
  narrator.heading(failed.length === 0 ? 'All checks pass' : 'Not yet');
  for (const { name, mend } of failed) {
    narrator.line(`  ${name} failed${mend === undefined ? '' : `: ${mend} mends it`}`);
  }
  const skipped = skipTests ? ' (the tests were skipped)' : '';
  narrator.line(`  ${checks.length - failed.length} of ${checks.length} checks pass${skipped}`);
  return failed.length === 0 ? 0 : 1;
});

/** Runs one check, and shows its output where it fails. */
async function passes(check: Check, narrator: Narrator, stop: AbortSignal): Promise<boolean> {
  const { colours } = narrator;
  narrator.step(`${check.name} ...`);
  const start = performance.now();
  const { exitCode, all } = await execa(check.program, check.arguments, {
    cwd: packageRoot(),
    preferLocal: true,
    localDir: packageRoot(),
    all: true,
    stdin: 'ignore',
    reject: false,
    cancelSignal: stop,
    forceKillAfterDelay: GRACE_MS,
    env: colours.isColorSupported ? { FORCE_COLOR: '1' } : {},
  });
  const passed = exitCode === 0;
  if (!passed && !stop.aborted) narrator.line(`\n${all.trimEnd()}\n`);
  const verdict = passed ? colours.green('passes') : colours.red('FAILS');
  narrator.line(`  ${check.name}: ${verdict} (${seconds(performance.now() - start)})`);
  return passed;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function parseOptions(): { skipTests?: boolean } {
  return new Command('npm run check --')
    .description(
      'Runs every check that a change must pass: unused code, format, types, lint, tests.',
    )
    .option('--skip-tests', 'all but the tests, which are `npm test`')
    .exitOverride()
    .parse()
    .opts();
}
