import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnedProcess } from './belongings';
import type { Scope } from './scope';
import { StackError } from '../stack-error';

/**
 * How long a server may take to get ready and to end, in ms: it takes seconds, and on a slow and busy machine
 * many more. One that fails ends by itself, and is not waited for.
 */
const READY_WITHIN_MS = 300_000;
const ENDED_WITHIN_MS = 120_000;

/** How a server is started. */
export interface ServerCommand extends Pick<OwnedProcess, 'name' | 'signal' | 'graceMs'> {
  command: string;
  args: readonly string[];
  /** Added to our own variables; an undefined one is taken away. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Runs as this user rather than as ours. */
  user?: { uid: number; gid: number };
  cwd?: string;
  /** @default `<scope>/<name>.log` */
  logFile?: string;
}

/** A server that belongs to a scope. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason, with how: `exit code 1`, or a signal's name. */
  readonly exited: Promise<string>;
  /** The last lines of its log. */
  logTail(): string;
  /** Waits until `isReady` is true. @throws {StackError} if it ends first or takes too long. */
  untilReady(isReady: () => Promise<boolean>, timeoutMs?: number): Promise<void>;
  /** Waits for the end, but kills it after this long. */
  stopAfter(timeoutMs: number): Promise<void>;
  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals, timeoutMs?: number): Promise<void>;
}

/**
 * Starts a server as part of `scope`. It leads a process group of its own, so that Ctrl-C in the
 * terminal reaches only us and the servers go down in order; its output goes to
 * its log file directly, so that it never waits for us to read.
 */
export async function startServerProcess(
  scope: Scope,
  server: ServerCommand,
): Promise<ServerProcess> {
  const { logFile = join(scope.directory, `${server.name}.log`) } = server;
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(server.command, server.args, {
    cwd: server.cwd ?? scope.directory,
    detached: true,
    env: { ...process.env, ...server.env },
    stdio: ['ignore', log, log],
    ...server.user,
  });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, endedBy) => resolve(endedBy ?? `exit code ${code}`));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', (cause) => {
      reject(new StackError(`${server.name} does not start: ${cause.message}`, { cause }));
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new StackError(`${server.name} has no process ID`);
  const { name, signal, graceMs } = server;
  scope.own({ pid, name, signal, graceMs, leadsGroup: true });
  void exited.then(() => scope.disown(pid));

  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const failure = (what: string) =>
    new StackError(`${name} ${what}; the end of its log:\n${tail(logFile)}`);
  return {
    pid,
    exited,
    logTail: () => tail(logFile),
    async untilReady(isReady, timeoutMs = READY_WITHIN_MS) {
      const deadline = Date.now() + timeoutMs;
      while (!(await isReady().catch(() => false))) {
        if (hasExited()) throw failure('ended while it was starting');
        if (Date.now() > deadline) throw failure(`was not ready within ${timeoutMs / 1000} s`);
        await sleep(25);
      }
    },
    async stopAfter(timeoutMs) {
      await Promise.race([exited, sleep(timeoutMs, undefined, { ref: false })]);
      if (!hasExited()) child.kill('SIGKILL');
      await exited;
    },
    async stop(stopSignal, timeoutMs = ENDED_WITHIN_MS) {
      if (hasExited()) return;
      child.kill(stopSignal);
      await Promise.race([exited, sleep(timeoutMs, undefined, { ref: false })]);
      if (!hasExited()) throw failure(`did not end within ${timeoutMs / 1000} s of ${stopSignal}`);
    },
  };
}

function tail(file: string): string {
  // It may have been deleted together with the folder that it was in.
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.trimEnd().split('\n').slice(-20).join('\n');
}
