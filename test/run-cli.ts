import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackFile } from '../runtime/stack-file';

const CLONE = join(__dirname, '..');

/** How a run of the command line ended. */
export interface CliResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A command line that runs. */
export interface RunningCli {
  /** What it has said on stderr so far. */
  stderr: () => string;
  /** What it has printed so far. */
  stdout: () => string;
  /** Ctrl-C. */
  interrupt: () => void;
  ended: Promise<CliResult>;
}

/** How to run the command line. */
export interface RunCliOptions {
  /** Replaces all of this service's variables; nothing of the shell's shines through. */
  environment?: Record<string, string>;
  /** The working directory. */
  directory?: string;
  /** What stdin holds. */
  input?: string;
  /** The folder of the package to run. @default this clone */
  package?: string;
}

/** Runs the built command line, as a person would, and does not wait for its end. */
export function startCli(args: readonly string[], options: RunCliOptions = {}): RunningCli {
  const program = join(options.package ?? CLONE, 'dist', 'cli', 'main.js');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.directory ?? tmpdir(),
    env: environmentOf(options),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(options.input ?? '');
  return {
    stderr: () => stderr,
    stdout: () => stdout,
    interrupt: () => void child.kill('SIGINT'),
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
    }),
  };
}

/**
 * Runs the built command line until it ends: in a process that has run others before where nothing of the
 * process itself matters, since loading the program is most of what a command costs.
 */
export async function runCli(
  args: readonly string[],
  options: RunCliOptions = {},
): Promise<CliResult> {
  if (options.input !== undefined) return startCli(args, options).ended;
  const folder = options.package ?? CLONE;
  const idle = idleHosts.get(folder) ?? [];
  idleHosts.set(folder, idle);
  const host = idle.pop() ?? startHost(folder);
  host.send({
    args,
    environment: environmentOf(options),
    directory: options.directory ?? tmpdir(),
  });
  const over = new AbortController();
  const [result] = (await Promise.race([
    once(host, 'message', over),
    once(host, 'exit', over).then(([exitCode]) => [
      { exitCode, stdout: '', stderr: 'the host ended' },
    ]),
  ]).finally(() => over.abort())) as [CliResult];
  if (host.exitCode === null) idle.push(host);
  return result;
}

/** By the folder of the package that they have loaded. */
const idleHosts = new Map<string, ChildProcess[]>();

function startHost(folder: string): ChildProcess {
  const host = fork(join(__dirname, 'cli-host.mjs'), [folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // It is there for the tests of other files, too, and ends with this process.
  host.unref();
  host.channel?.unref();
  return host;
}

/** Nothing of the shell's that is this service's shines through. */
function environmentOf({ environment }: RunCliOptions): Record<string, string | undefined> {
  const own =
    /^(TEMPORAL_|ORDER_DISPATCH_|AMQP_URL|ORDERS_DATABASE|DISPATCH_|NO_COLOR|FORCE_COLOR)/;
  const inherited = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(inherited), ...environment };
}

/** The line that says why a command failed, without the one that names its target. */
export function errorLine({ stderr }: CliResult): string {
  const lines = unwrapped(stderr).trimEnd().split('\n');
  return lines.filter((line) => !line.startsWith('target: ')).join('\n');
}

/** A text whose lines are as long as they were before they were made to fit. */
export function unwrapped(text: string): string {
  return text.replace(/(?: \\)?\n {2,}(?=\S)/g, ' ');
}

/** Those of the lines that do not fit 80 columns, but for a word that no line can hold with others. */
export function tooLong(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.length > 80 && /\S\s+\S/.test(line.replace(/ \\$/, '')));
}

/** A folder for files; `remove` it at the end. */
export async function createFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'order-dispatch-cli-'));
  return {
    path,
    remove: async () => {
      for (const [folder, hosts] of idleHosts) {
        if (folder.startsWith(path)) for (const host of hosts.splice(0)) host.kill();
      }
      await rm(path, { recursive: true });
    },
  };
}

/** Copies the built package to where no local stack of this clone is in sight. */
export async function copyPackage(folder: string): Promise<void> {
  await cp(join(CLONE, 'dist'), join(folder, 'dist'), { recursive: true });
  await cp(join(CLONE, 'prisma'), join(folder, 'prisma'), { recursive: true });
  await cp(join(CLONE, 'package.json'), join(folder, 'package.json'));
  await symlink(join(CLONE, 'node_modules'), join(folder, 'node_modules'));
}

/** Writes what a running local stack leaves in its clone. */
export async function writeStackFile(
  folder: string,
  stack: Partial<StackFile> & Pick<StackFile, 'temporalAddress' | 'temporalNamespace'>,
): Promise<void> {
  const file: StackFile = {
    webUi: 'http://127.0.0.1:1',
    amqpUrl: 'amqp://127.0.0.1:1',
    ordersDatabaseUrl: 'postgresql://127.0.0.1:1/orders',
    dispatchDatabaseUrl: 'postgresql://127.0.0.1:1/dispatch',
    pids: { stack: process.pid, worker: [], dispatchSystem: [], supplement: [], api: [] },
    ...stack,
  };
  await mkdir(join(folder, '.local'), { recursive: true });
  await writeFile(join(folder, '.local', 'stack.json'), JSON.stringify(file));
}
