import { mkdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStackFile, STACK_FILE, type StackFile } from '../runtime/stack-file';
import type { PidList } from './processes';

/** Writes the stack's details in one step: a reader never sees half of them. */
export function writeStackFile(folder: string, stack: StackFile): void {
  const file = join(folder, STACK_FILE);
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(stack, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(next, file);
}

/** Lists one more process of ours in the running stack's details. Nothing happens if it has stopped. */
export function addPid(folder: string, list: PidList, pid: number): void {
  changePids(folder, list, (pids) => [...pids, pid]);
}

/** Takes a process that has ended out of the running stack's details. */
export function removePid(folder: string, list: PidList, pid: number): void {
  changePids(folder, list, (pids) => pids.filter((other) => other !== pid));
}

function changePids(folder: string, list: PidList, change: (pids: number[]) => number[]): void {
  withLock(join(folder, `${STACK_FILE}.lock`), () => {
    const stack = readStackFile(folder);
    if (!stack) return;
    stack.pids[list] = change(stack.pids[list].filter(isRunning));
    writeStackFile(folder, stack);
  });
}

/** A change takes a millisecond: who holds the lock for so long has died. */
const LOCK_EXPIRY_MS = 2_000;

/** Several processes may change the file at once. A folder as the lock: it is made by one of them only. */
function withLock(lock: string, work: () => void): void {
  while (!tryMakeFolder(lock)) {
    if (ageMs(lock) > LOCK_EXPIRY_MS) removeFolder(lock);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  try {
    work();
  } finally {
    removeFolder(lock);
  }
}

function tryMakeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function ageMs(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

/** Whether there is a process with this ID; a list may name one that died without taking leave. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
