import { readFileSync } from 'node:fs';

/** The kernel's clock tick, in seconds: Linux tells processes' times in hundredths everywhere. */
const TICK_SECONDS = 0.01;

/**
 * The processor time in seconds, user and system, of this process and of all that it and its children have
 * started and waited for; `undefined` on other systems than Linux, which do not tell.
 */
export function processorSeconds(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // "<pid> (<name>) <state> ...": utime, stime, cutime and cstime are fields 14 to 17 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * TICK_SECONDS, 0);
}
