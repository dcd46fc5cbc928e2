import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readStackFile } from '../runtime/stack-file';
import { PROCESSES, programOf, type ProcessName } from './processes';
import { startRun } from './stack-run';
import { runCommand } from './run-command';
import { StackError } from './stack-error';
import { stackFolder } from './stack-folder';
import { addPid, removePid } from './write-stack-file';

/** How often to look whether the stack still runs, in ms. */
const LOOK_EVERY_MS = 300;

/**
 * Runs one more of our processes against the running local stack, with its log in this terminal, until
 * Ctrl-C or the end of the stack. The stack's details list it meanwhile.
 */
export function runOneMore(name: ProcessName): void {
  const say = (line: string) => console.error(`${name}: ${line}`);
  runCommand(name, async (stop) => {
    const directory = stackFolder();
    const stack = readStackFile(directory);
    if (!stack) throw new StackError('no local stack runs: start one with `npm run up`');
    const { title, pids, environment } = PROCESSES[name];
    // It gets this run's watchdog, and a process group of its own, so that Ctrl-C, which the terminal
    // and npm both send, comes once.
    const run = startRun(join(directory, '.local'));
    try {
      const child = spawn(process.execPath, [programOf(name)], {
        detached: true,
        env: { ...process.env, ...environment(stack) },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const exited = once(child, 'exit');
      await once(child, 'spawn');
      const pid = child.pid as number;
      run.own({ pid, name, signal: 'SIGTERM', graceMs: 30_000, leadsGroup: true });
      addPid(directory, pids, pid);
      say(`process ${pid}, one more ${title} on the local stack of process ${stack.pids.stack}`);
      let told = false;
      const end = () => {
        told = true;
        child.kill('SIGTERM');
      };
      stop.addEventListener('abort', end);
      if (stop.aborted) end();
      const look = setInterval(() => {
        if (readStackFile(directory)?.pids.stack === stack.pids.stack) return;
        clearInterval(look);
        say(`the local stack stops, and so does this ${title}`);
        end();
      }, LOOK_EVERY_MS);
      const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null];
      clearInterval(look);
      removePid(directory, pids, pid);
      // Before it is up it does not take the signal as its own: there is nothing to finish.
      if (code === 0 || (told && signal === 'SIGTERM')) return 0;
      say(`ended with ${signal ?? `exit code ${code}`}`);
      return code ?? 1;
    } finally {
      await run.end();
    }
  });
}
