/**
 * `node watchdog.js <run directory>`: waits for the process at the other end of standard input to
 * die, however hard, and ends what its run left. It needs nothing but Node, so that it still works
 * when the clone is half removed or built anew under it.
 */
import { endRun, readLedger } from './ledger';

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: watchdog <run directory>');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let ended = false;
const end = () => {
  if (ended) return;
  ended = true;
  if (readLedger(directory)) void endRun(directory);
};
process.stdin.on('end', end).on('close', end).on('error', end).resume();
