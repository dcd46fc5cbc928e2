import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive, type ProcessFile } from './process-file.cjs';

/** A process that ends with its scope. */
export interface OwnedProcess extends ProcessFile {
  /** The signal that ends it; its data need not survive. */
  signal: 'SIGINT' | 'SIGTERM' | 'SIGQUIT' | 'SIGKILL';
  /** How long the signal may take, in ms, before SIGKILL. */
  graceMs: number;
  /** Whether it leads a process group of its own, which then ends with it. */
  leadsGroup: boolean;
}

/** What is ended and removed with a scope. */
export interface Belongings {
  /** In the order of their start. */
  processes: readonly OwnedProcess[];
  /** Commands that undo what no process of ours holds, such as a container. */
  undoCommands: readonly string[][];
  /** Files and folders, in the order of their removal. */
  paths: readonly string[];
}

/** Ends the processes, the youngest first, then removes the files. Safe to repeat. */
export async function endBelongings(belongings: Belongings): Promise<void> {
  for (const owned of [...belongings.processes].reverse()) {
    await endProcess(owned);
    await remove(owned.file);
  }
  for (const [command = '', ...args] of belongings.undoCommands) {
    await promisify(execFile)(command, args).catch(() => undefined);
  }
  for (const path of belongings.paths) await remove(path);
}

async function endProcess(owned: OwnedProcess): Promise<void> {
  // Without its leader a group can no longer be proven to be ours.
  if (!isAlive(owned)) return;
  send(owned.pid, owned.signal);
  const deadline = Date.now() + owned.graceMs;
  while (isAlive(owned) && Date.now() < deadline) await sleep(POLL_MS);
  if (owned.leadsGroup) send(-owned.pid, 'SIGKILL');
  else if (isAlive(owned)) send(owned.pid, 'SIGKILL');
  while (isAlive(owned)) await sleep(POLL_MS);
}

const POLL_MS = 10;

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Retried: a process that has just been killed may still be writing its last file. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
