import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { packageRoot } from '../../runtime/package-root';
import { StackError } from '../stack-error';
import { endBelongings, type Belongings, type OwnedProcess } from './belongings';
import {
  identify,
  isAlive,
  readProcessFiles,
  writeProcessFile,
  type ProcessFile,
} from './process-file.cjs';

/**
 * A scope: a private folder, and the processes and files that end with it. It ends when its owner,
 * the process that opened it, says so or dies. The owner remembers what belongs to it, and so does
 * the scope's watchdog, which ends it at once if the owner dies hard. It is also on disk, in the
 * files of the processes, so that the next command of this clone ends what even the watchdog left.
 */
export interface Scope {
  /** Tells this scope's things from those of others. */
  readonly id: string;
  /** What its processes are listed under. */
  readonly name: string;
  /** The private folder, removed at the end. */
  readonly directory: string;
  /** Ends this process with the scope, in the reverse order of the calls. */
  own(process: Omit<OwnedProcess, 'startedAt' | 'scope' | 'file'>): void;
  /** The process has ended in an orderly way. */
  disown(pid: number): void;
  /** Runs this command at the scope's end, when its processes have ended. */
  undoWith(command: string[]): void;
  /** Removes this file or folder with the scope. To be called before it is made. */
  ownPath(path: string): void;
  /** Ends every process and removes every file. May be called more than once. */
  end(): Promise<void>;
}

/** The file of a scope's owner. It is removed last: as long as it is there, the end is done again. */
interface OwnerFile extends ProcessFile, Pick<Belongings, 'undoCommands' | 'paths'> {
  /** The private folder. */
  directory: string;
}

/** The file of a process that belongs to a scope. */
interface MemberFile extends OwnedProcess {
  scope: string;
  /** Counts the scope's processes in the order of their start. */
  number: number;
}

const PREFIX = 'scope-';

/** Opens a scope whose private folder is made in `parent`, and starts its watchdog. */
export function openScope(parent: string): Scope {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, PREFIX));
  const name = basename(directory);
  const self = identify(process.pid);
  if (!self) throw new StackError(`cannot read the start time of process ${process.pid}`);

  let processes: MemberFile[] = [];
  let number = 0;
  const undoCommands: string[][] = [];
  const paths: string[] = [];
  const writeOwner = () =>
    writeProcessFile(parent, { ...self, name, directory, undoCommands, paths });
  const owner = writeOwner();
  const watchdog = startWatchdog(directory);
  const belongings = () => belongingsOf(owner, processes);
  const tellWatchdog = () => watchdog.write(`${JSON.stringify(belongings())}\n`);
  tellWatchdog();
  let ending: Promise<void> | undefined;

  return {
    id: name.slice(PREFIX.length),
    name,
    directory,
    own(owned) {
      const identity = identify(owned.pid);
      if (!identity) return;
      if (ending) {
        process.kill(owned.pid, 'SIGKILL');
        throw new StackError(`${owned.name} was started after the stack had been stopped`);
      }
      number += 1;
      const member = { ...owned, ...identity, scope: name, number };
      processes.push(writeProcessFile(parent, member));
      tellWatchdog();
    },
    disown(pid) {
      const gone = processes.filter((owned) => owned.pid === pid);
      processes = processes.filter((owned) => owned.pid !== pid);
      for (const { file } of gone) rmSync(file, { force: true });
      if (!ending) tellWatchdog();
    },
    undoWith(command) {
      undoCommands.push(command);
      writeOwner();
      tellWatchdog();
    },
    ownPath(path) {
      paths.push(path);
      writeOwner();
      tellWatchdog();
    },
    end() {
      ending ??= endBelongings(belongings()).then(() => {
        // What comes to lie there from now on is another's.
        watchdog.end(`${JSON.stringify({ processes: [], undoCommands: [], paths: [] })}\n`);
      });
      return ending;
    },
  };
}

function belongingsOf(owner: OwnerFile, processes: readonly OwnedProcess[]): Belongings {
  const { undoCommands, paths, directory, file } = owner;
  return { processes, undoCommands, paths: [...paths, directory, file] };
}

/**
 * Ends what earlier scopes in `parent` left behind because their owners and watchdogs died hard.
 *
 * @returns the names of the processes that were ended.
 */
export async function endAbandonedScopes(parent: string): Promise<string[]> {
  const files = readProcessFiles(parent);
  const owners = files.filter((file): file is OwnerFile => file.name.startsWith(PREFIX));
  const members = files
    .filter((file): file is MemberFile => 'scope' in file)
    .sort((one, other) => one.number - other.number);
  const ended = owners
    .filter((owner) => !isAlive(owner))
    .map(async (owner) => {
      const processes = members.filter(({ scope }) => scope === owner.name);
      const left = processes.filter(isAlive).map(({ name }) => name);
      await endBelongings(belongingsOf(owner, processes));
      return left;
    });
  return (await Promise.all(ended)).flat();
}

/** The watchdog notices our death as the end of its standard input. */
function startWatchdog(directory: string): Writable {
  const script = join(packageRoot(), 'dist', 'stack', 'supervision', 'watchdog.js');
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
