import { renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_FILE, type StackFile } from '../runtime/stack-file';
import { PROCESSES, PROCESS_NAMES, type ConnectionDetails } from './processes';
import { isAlive, processFolder, readProcessFiles } from './supervision/process-file.cjs';

/** The file in which the running stack says where it is. */
export interface KeptStackFile {
  /** Takes it away, by which processes started from other terminals see that the stack is over. */
  remove(): void;
}

/**
 * Writes `.local/stack.json`: the details, and which of our processes run. Then keeps it true as
 * processes come and go, whichever terminal they are of, until it is removed. Nobody else writes it.
 *
 * @param directory the folder that the stack belongs to
 */
export function keepStackFile(directory: string, details: ConnectionDetails): KeptStackFile {
  const local = join(directory, '.local');
  const file = join(directory, STACK_FILE);
  let written = '';
  const write = () => {
    const text = `${JSON.stringify({ ...details, pids: runningProcesses(local) }, undefined, 2)}\n`;
    if (text !== written) replaceFile(file, text);
    written = text;
  };
  write();
  const watcher = watch(processFolder(local), () => {
    try {
      write();
    } catch (error) {
      // The folder has been deleted under the running stack: there is nothing left to keep true.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  });
  watcher.on('error', () => watcher.close()).unref();
  return {
    remove() {
      watcher.close();
      rmSync(file, { force: true });
    },
  };
}

function runningProcesses(local: string): StackFile['pids'] {
  const running = readProcessFiles(local).filter(isAlive);
  const lists = PROCESS_NAMES.map((name) => [
    PROCESSES[name].pids,
    running.filter((process) => process.name === name).map(({ pid }) => pid),
  ]);
  return {
    stack: process.pid,
    ...(Object.fromEntries(lists) as Omit<StackFile['pids'], 'stack'>),
  };
}

/** In one step: a reader never sees half of it. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
