import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own clock. */
const MS_PER_TICK = 10;

/** How often a process is looked at whose children end meanwhile. */
const TRIES = 20;

/**
 * Reads how much CPU time processes have taken, each with all its children, in ms: PostgreSQL's
 * backends count as PostgreSQL, also those that have ended.
 *
 * @param pids process IDs by name
 */
export function readCpuMs(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, readTicks(pid) * MS_PER_TICK]),
  );
}

function readTicks(pid: number): number {
  let ticks = 0;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const before = readOwnTicks(pid);
    const children = readChildren(pid).reduce((sum, child) => sum + readTicks(child), 0);
    ticks = before.own + before.ended + children;
    // A child that ended meanwhile would be missing from both, or count twice.
    if (readOwnTicks(pid).ended === before.ended) break;
  }
  return ticks;
}

/** A process's own time, and that of its children that have ended; nothing, where it has ended itself. */
function readOwnTicks(pid: number): { own: number; ended: number } {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? '';
  // "<pid> (<name>) <state> <parent> ...", and the name may hold anything.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return { own: user + system, ended: childrenUser + childrenSystem };
}

/** The kernel lists them by the thread that started them. */
function readChildren(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  return listIfThere(tasks)
    .flatMap((task) => (readIfThere(`${tasks}/${task}/children`) ?? '').split(' '))
    .filter((child) => child !== '')
    .map(Number);
}

/** A process's memory that is resident now, in MiB. */
export function readMemoryMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function listIfThere(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
