import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import { endRun, type Ledger, type OwnedProcess, readLedger, writeLedger } from './ledger';
import { identify, isAlive } from './process-identity';
import { StackError } from './stack-error';

/**
 * One run of a stack: a private folder, and the list of the processes and files that go with it.
 * The list is on disk, so that whoever is left can end them if this process dies hard: the run's
 * watchdog at once, and the next run of this clone in any case.
 */
export interface Run {
  /** Tells this run's things from those of others. */
  readonly id: string;
  /** The private folder, removed at the end. */
  readonly directory: string;
  /** Ends this process with the run, in the reverse order of the calls. */
  own(process: Omit<OwnedProcess, 'startedAt'>): void;
  /** The process has ended in an orderly way. */
  disown(pid: number): void;
  /** Runs this command with the run's end, when its processes have ended. */
  undoWith(command: string[]): void;
  /** Removes this file or folder with the run. To be called before it is made. */
  ownPath(path: string): void;
  /** Ends every process and removes every file. May be called more than once. */
  end(): Promise<void>;
}

const PREFIX = 'run-';

/** Starts a run whose private folder is made in `parent`, and its watchdog. */
export function startRun(parent: string): Run {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, PREFIX));
  const owner = identify(process.pid);
  if (!owner) throw new StackError(`cannot read the start time of process ${process.pid}`);
  const ledger: Ledger = { owner, processes: [], undoCommands: [], paths: [] };
  let ending: Promise<void> | undefined;
  const write = () => {
    if (!ending) writeLedger(directory, ledger);
  };
  write();
  const watchdog = startWatchdog(directory);

  return {
    id: directory.slice(-6),
    directory,
    own(owned) {
      const identity = identify(owned.pid);
      if (!identity) return;
      if (ending) {
        process.kill(owned.pid, 'SIGKILL');
        throw new StackError(`${owned.name} was started after the stack had been stopped`);
      }
      ledger.processes.push({ ...owned, ...identity });
      write();
    },
    disown(pid) {
      ledger.processes = ledger.processes.filter((owned) => owned.pid !== pid);
      write();
    },
    undoWith(command) {
      ledger.undoCommands.push(command);
      write();
    },
    ownPath(path) {
      ledger.paths.push(path);
      write();
    },
    end() {
      ending ??= endRun(directory).finally(() => watchdog.destroy());
      return ending;
    },
  };
}

/**
 * Ends what earlier runs in `parent` left behind because they and their watchdog died hard.
 *
 * @returns the names of the processes that were ended.
 */
export async function endAbandonedRuns(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  const ended = names
    .filter((name) => name.startsWith(PREFIX))
    .map(async (name) => {
      const directory = join(parent, name);
      const ledger = readLedger(directory);
      if (!ledger || isAlive(ledger.owner)) return [];
      const left = ledger.processes.filter(isAlive).map((owned) => owned.name);
      await endRun(directory);
      return left;
    });
  return (await Promise.all(ended)).flat();
}

/** The watchdog notices our death as the end of its standard input. */
function startWatchdog(directory: string): Writable {
  const script = join(packageRoot(), 'dist', 'stack', 'watchdog.js');
  if (!existsSync(script)) throw new StackError(`${script} is missing: run npm run setup`);
  const watchdog = spawn(process.execPath, [script, directory], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  const pipe = watchdog.stdin;
  pipe.on('error', () => undefined);
  // Node's declarations do not say that a pipe is a socket, which need not keep us alive.
  if (pipe instanceof Socket) pipe.unref();
  return pipe;
}
