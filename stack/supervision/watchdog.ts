/**
 * `node watchdog.js <a scope's folder>`: waits for the process at the other end of standard input,
 * the scope's owner, to die, however hard, and ends what belongs to the scope. The owner tells it
 * what that is, a line for each change, so that it needs neither the folder, which is named only for
 * whoever looks at the list of processes, nor anything but Node: it still works when the clone or
 * the folder is removed or built anew under it.
 */
import { createInterface } from 'node:readline';
import { endBelongings, type Belongings } from './belongings';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let belongings: Belongings | undefined;
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  try {
    belongings = JSON.parse(line) as Belongings;
  } catch {
    // The owner died within a line: what it said before still holds.
  }
});
lines.once('close', () => {
  if (belongings) void endBelongings(belongings);
});
process.stdin.on('error', () => lines.close());
