import { execFile } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive, type ProcessIdentity } from './process-identity';

/** A process that ends with its run. */
export interface OwnedProcess extends ProcessIdentity {
  name: string;
  /** The signal that ends it; its data need not survive. */
  signal: 'SIGINT' | 'SIGTERM' | 'SIGQUIT' | 'SIGKILL';
  /** How long the signal may take, in ms, before SIGKILL. */
  graceMs: number;
  /** Whether it leads a process group of its own, which then ends with it. */
  leadsGroup: boolean;
}

/** What belongs to a run. */
export interface Ledger {
  owner: ProcessIdentity;
  /** In the order of their start. */
  processes: OwnedProcess[];
  /** Commands that undo what no process of ours holds, such as a container. */
  undoCommands: string[][];
  /** Files and folders outside the run's own. */
  paths: string[];
}

/** The ledger of the run in `directory`; `undefined` if it has ended. */
export function readLedger(directory: string): Ledger | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(directory), 'utf8')) as Ledger;
  } catch {
    return undefined;
  }
}

/** Replaces the ledger of the run in `directory` in one step: a reader never sees half of it. */
export function writeLedger(directory: string, ledger: Ledger): void {
  const file = fileOf(directory);
  writeFileSync(`${file}.new`, JSON.stringify(ledger), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Ends the run's processes, the youngest first, then removes its files. Safe to repeat. */
export async function endRun(directory: string): Promise<void> {
  const ledger = readLedger(directory);
  for (const owned of [...(ledger?.processes ?? [])].reverse()) await endProcess(owned);
  for (const [command = '', ...args] of ledger?.undoCommands ?? []) {
    await promisify(execFile)(command, args).catch(() => undefined);
  }
  // The run's own folder goes last: as long as it is there, an interrupted end is done again.
  for (const path of [...(ledger?.paths ?? []), directory]) await remove(path);
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

function fileOf(directory: string): string {
  return join(directory, 'owned.json');
}
