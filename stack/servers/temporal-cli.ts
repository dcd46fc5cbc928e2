import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../runtime/package-root';
import { cacheFolder } from './cache-folder';
import type { Scope } from '../supervision/scope';
import { startServerProcess } from '../supervision/server-process';
import { StackError } from '../stack-error';
import { isExecutable, pathFolders } from './executables';

/** Built where there is Go; the versions after it do not install this way. */
const VERSION = 'v1.5.1';
const PACKAGE = `github.com/temporalio/cli/cmd/temporal@${VERSION}`;
const DOWNLOAD_TIMEOUT_MS = 60_000;
const BUILD_TIMEOUT_MS = 20 * 60_000;

/** The Temporal CLI, whose `server start-dev` is the stack's Temporal. */
export interface TemporalCli {
  path: string;
  version: string;
}

/**
 * Finds a Temporal CLI, or gets one: `TEMPORAL_CLI_PATH`, the PATH, the cache folder, Go's folder;
 * else the SDK's own download; else, where Go is installed, a build.
 *
 * @throws {StackError} that says what to install.
 */
export async function findTemporalCli(
  scope: Scope,
  progress: (line: string) => void,
): Promise<TemporalCli> {
  const path =
    (await findInstalled()) ?? (await download(scope, progress)) ?? (await build(scope, progress));
  if (path !== undefined) return { path, version: await versionOf(path) };
  throw new StackError(
    'no Temporal CLI found and none could be downloaded: install it ' +
      '(macOS: brew install temporal; else from temporal.io, or install Go and run this again), ' +
      'or set TEMPORAL_ADDRESS to a server of your own',
  );
}

async function findInstalled(): Promise<string | undefined> {
  const given = process.env['TEMPORAL_CLI_PATH'];
  if (given) {
    if (await isExecutable(given)) return given;
    throw new StackError(`TEMPORAL_CLI_PATH: ${given} is not an executable file`);
  }
  const folders = [...pathFolders(), builtFolder(), join(homedir(), 'go', 'bin')];
  for (const folder of folders) {
    const path = join(folder, 'temporal');
    if (await isExecutable(path)) return path;
  }
  return findDownloaded();
}

async function versionOf(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ['--version']);
  return stdout.trim().replace(/^temporal version /, '');
}

async function download(
  scope: Scope,
  progress: (line: string) => void,
): Promise<string | undefined> {
  progress('Temporal: no CLI found; downloading one as the Temporal SDK does ...');
  await mkdir(downloadFolder(), { recursive: true });
  const script = join(packageRoot(), 'dist', 'stack', 'servers', 'download-temporal.js');
  const downloading = await startServerProcess(scope, {
    name: 'temporal-download',
    command: process.execPath,
    args: [script, downloadFolder()],
    signal: 'SIGKILL',
    graceMs: 1000,
  });
  await downloading.stopAfter(DOWNLOAD_TIMEOUT_MS);
  const path = await findDownloaded();
  if (path === undefined) progress('Temporal: the download did not succeed');
  return path;
}

async function build(scope: Scope, progress: (line: string) => void): Promise<string | undefined> {
  const go = await findGo();
  if (go === undefined) return undefined;
  progress(`Temporal: building ${PACKAGE} with Go, once; this takes some minutes ...`);
  const building = await startServerProcess(scope, {
    name: 'temporal-build',
    command: go,
    args: ['install', PACKAGE],
    env: goEnvironment(),
    signal: 'SIGKILL',
    graceMs: 1000,
  });
  const path = join(builtFolder(), 'temporal');
  await building.untilReady(() => isExecutable(path), BUILD_TIMEOUT_MS);
  await building.exited;
  return path;
}

/**
 * What Go keeps of a build, hundreds of megabytes, and its counters go to our own folder; its settings,
 * such as a proxy, stay the person's.
 */
export function goEnvironment(): Record<string, string> {
  const go = join(cacheFolder(), 'go');
  const settings = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return {
    GOBIN: builtFolder(),
    GOPATH: go,
    GOCACHE: join(go, 'build'),
    GOMODCACHE: join(go, 'mod'),
    // Else the modules are read-only, and the folder is hard to remove.
    GOFLAGS: '-modcacherw',
    ...(process.platform === 'linux' && {
      XDG_CONFIG_HOME: join(go, 'config'),
      GOENV: process.env['GOENV'] || join(settings, 'go', 'env'),
    }),
  };
}

async function findGo(): Promise<string | undefined> {
  for (const go of ['go', '/usr/local/go/bin/go', '/opt/homebrew/bin/go']) {
    try {
      await promisify(execFile)(go, ['version'], { env: { ...process.env, ...goEnvironment() } });
      return go;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

/** The SDK names the file after itself and its version. */
async function findDownloaded(): Promise<string | undefined> {
  const names = await readdir(downloadFolder()).catch(() => []);
  for (const name of names.filter((file) => file.startsWith('temporal'))) {
    const path = join(downloadFolder(), name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

function builtFolder(): string {
  return join(cacheFolder(), `temporal-${VERSION}`);
}

function downloadFolder(): string {
  return join(cacheFolder(), 'temporal-download');
}
