/**
 * `npm test -- [Jest's arguments]`: runs the tests of some tiers by Jest, on a test stack if one of them needs
 * servers. The stack is started for the run and stopped afterwards, unless `npm run test:stack` keeps one.
 */
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { applyMigrations } from '../database/migrate';
import { packageRoot } from '../runtime/package-root';
import { databaseUrl } from '../stack/servers/databases';
import { TEMPLATES } from '../stack/services';
import { runCommand } from '../stack/supervision/run-command';
import { openScope, type Scope } from '../stack/supervision/scope';
import { startTestStack } from '../stack/test-stack';
import { readTestStackFile, type TestStackFile } from '../stack/test-stack-file';
import { measureMachineFactor, type MachineFactor } from './machine-factor';
import { processorSeconds } from './processor-time';
import { writeTestGroups } from './test-groups';

/** The folders of `test/`; CONTRIBUTING.md says which test belongs to which. */
const TIERS = ['unit', 'service', 'slow'] as const;
type Tier = (typeof TIERS)[number];

/** What the commands of scripts/run.mjs run, by their first argument. */
const RUNS: Readonly<Record<string, readonly Tier[]>> = {
  test: ['unit', 'service'],
  'test:unit': ['unit'],
  'test:slow': ['slow'],
  'test:all': TIERS,
};

const JEST = require.resolve('jest/bin/jest');
const say = (line: string) => console.error(`test: ${line}`);

runCommand('test', async (stop) => {
  const [run = 'test', ...args] = process.argv.slice(2);
  const { tiers, files } = await selectTests(RUNS[run] ?? TIERS, args, stop);
  const roots = tiers.map((tier) => (isWhole(tier, files) ? grouped(tier, files) : folderOf(tier)));
  const before = { ms: performance.now(), cpu: processorSeconds() };
  const factor = measureMachineFactor();
  say(`this machine takes ${factor.wall.toFixed(2)} times as long as the reference machine`);
  const needsServers = files.some((file) => !file.startsWith(join(folderOf('unit'), '/')));
  const scope = needsServers ? await openStack(stop) : undefined;
  try {
    return await runJest({ roots, args, factor, scope, stop });
  } finally {
    await scope?.end();
    sayCost({ ...before, factor });
  }
});

/** The tiers that a run looks in. A pattern that fits none of their tests means those of the others. */
async function selectTests(
  tiers: readonly Tier[],
  args: readonly string[],
  stop: AbortSignal,
): Promise<{ tiers: readonly Tier[]; files: string[] }> {
  const files = await listTests(tiers, args, stop);
  if (files.length > 0 || tiers.length === TIERS.length) return { tiers, files };
  return { tiers: TIERS, files: await listTests(TIERS, args, stop) };
}

async function listTests(
  tiers: readonly Tier[],
  args: readonly string[],
  stop: AbortSignal,
): Promise<string[]> {
  // With an output file the list would be there.
  const selecting = args.filter((arg) => !arg.startsWith('--outputFile'));
  const { stdout } = await execa(process.execPath, [JEST, ...selecting, '--listTests', '--json'], {
    cwd: packageRoot(),
    env: rootsVariable(tiers.map(folderOf)),
    cancelSignal: stop,
  });
  return JSON.parse(stdout) as string[];
}

/** What jest.config.js reads. */
function rootsVariable(roots: readonly string[]): Record<string, string> {
  return { ORDER_DISPATCH_TEST_ROOTS: roots.join(delimiter) };
}

/** Whether a run has all tests of a tier, whose files may then be put together. */
function isWhole(tier: Tier, selected: readonly string[]): boolean {
  const all = readdirSync(folderOf(tier)).filter((name) => name.endsWith('.test.ts'));
  return all.every((name) => selected.includes(join(folderOf(tier), name)));
}

/** Of the tiers only that one has many files that load everything. */
function grouped(tier: Tier, files: readonly string[]): string {
  if (tier !== 'service') return folderOf(tier);
  const ofTier = files.filter((file) => file.startsWith(join(folderOf(tier), '/')));
  return writeTestGroups(ofTier);
}

function folderOf(tier: Tier): string {
  return join(packageRoot(), 'test', tier);
}

async function openStack(stop: AbortSignal): Promise<Scope> {
  const kept = readTestStackFile(packageRoot());
  if (kept) return useKept(kept);
  return (await startTestStack({ progress: say, signal: stop })).scope;
}

/** Its templates are as old as it is, and migrations may have been added since. */
async function useKept(stack: TestStackFile): Promise<Scope> {
  say(`on the stack that is kept running, with its Web UI at ${stack.webUi}`);
  for (const schema of ['orders', 'dispatch'] as const) {
    await applyMigrations({ url: databaseUrl(stack.postgresUrl, TEMPLATES[schema]), schema });
  }
  return openScope(join(packageRoot(), '.local'));
}

async function runJest(run: {
  roots: readonly string[];
  args: readonly string[];
  factor: MachineFactor;
  scope: Scope | undefined;
  stop: AbortSignal;
}): Promise<number> {
  const { roots, args, factor, scope, stop } = run;
  stop.throwIfAborted();
  const jest = execa(process.execPath, [JEST, ...args], {
    cwd: packageRoot(),
    env: { ...rootsVariable(roots), ORDER_DISPATCH_TEST_FACTOR: factor.wall.toFixed(2) },
    stdio: 'inherit',
    reject: false,
    cancelSignal: stop,
    forceKillAfterDelay: JEST_GRACE_MS,
  });
  if (jest.pid !== undefined) {
    // It stays in our process group, since it needs the terminal.
    scope?.own({
      pid: jest.pid,
      name: 'jest',
      signal: 'SIGTERM',
      graceMs: JEST_GRACE_MS,
      leadsGroup: false,
    });
  }
  const { exitCode } = await jest;
  stop.throwIfAborted();
  return exitCode ?? 1;
}

/** How long Jest may take to end once it was told to, in ms. */
const JEST_GRACE_MS = 5_000;

/** The processor time is what a rise is seen in: the wall time depends on the load, too. */
function sayCost(run: { ms: number; cpu: number | undefined; factor: MachineFactor }): void {
  const seconds = Math.round((performance.now() - run.ms) / 1_000);
  const now = processorSeconds();
  if (now === undefined || run.cpu === undefined) return say(`took ${seconds} s`);
  const cpu = now - run.cpu;
  say(
    `took ${seconds} s, and ${Math.round(cpu)} s of processor time in all processes: ` +
      `${Math.round(cpu / run.factor.cpu)} s on the reference machine`,
  );
}
