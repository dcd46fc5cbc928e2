/** `npm run worker` and the like: one more of our processes on the running local stack. */
import { join } from 'node:path';
import { execa } from 'execa';
import { readStackFile, type StackFile } from '../runtime/stack-file';
import { PROCESSES, PROCESS_NAMES, programOf } from './processes';
import { deskPort } from './servers/ports';
import { StackError } from './stack-error';
import { stackFolder } from './stack-folder';
import { runCommand } from './supervision/run-command';
import { openScope } from './supervision/scope';

/** How often to look whether the stack still runs, in ms. */
const LOOK_EVERY_MS = 300;

/** How long the process may take to finish what it is at. */
const PROCESS_GRACE_MS = 30_000;

const name = PROCESS_NAMES.find((known) => known === process.argv[2]);
if (name === undefined) throw new Error(`usage: one-more ${PROCESS_NAMES.join('|')}`);
const say = (line: string) => console.error(`${name}: ${line}`);

runCommand(name, async (stop) => {
  const directory = stackFolder();
  const stack = readStackFile(directory);
  if (!stack) throw new StackError('no local stack runs: start one with `npm run up`');
  const { title, environment } = PROCESSES[name];
  const desk = name === 'api' ? await deskFor(stack) : undefined;
  const stackOver = new AbortController();
  const look = setInterval(() => {
    if (readStackFile(directory)?.pids.stack === stack.pids.stack) return;
    clearInterval(look);
    say(`the local stack stops, and so does this ${title}`);
    stackOver.abort();
  }, LOOK_EVERY_MS);
  // Its watchdog ends the process if this one dies hard; its list is what the stack's details show.
  const scope = openScope(join(directory, '.local'));
  try {
    const running = execa(process.execPath, [programOf(name)], {
      // A process group of its own, so that Ctrl-C, which the terminal and npm both send, comes once.
      detached: true,
      env: { ...environment(stack), ...(desk && { API_PORT: desk.port }) },
      stdio: ['ignore', 'inherit', 'inherit'],
      cancelSignal: AbortSignal.any([stop, stackOver.signal]),
      forceKillAfterDelay: PROCESS_GRACE_MS,
      reject: false,
    });
    const { pid } = running;
    if (pid !== undefined) {
      scope.own({ pid, name, signal: 'SIGTERM', graceMs: PROCESS_GRACE_MS, leadsGroup: true });
      if (desk) say(`the desk is at ${desk.origin}`);
      say(`process ${pid}, one more ${title} on the local stack of process ${stack.pids.stack}`);
    }
    const { exitCode, signal, isCanceled, shortMessage } = await running;
    // Before it is up it does not take the signal as its own: there is nothing to finish.
    if (exitCode === 0 || (isCanceled && signal === 'SIGTERM')) return 0;
    say(
      `ended with ${signal ?? (exitCode === undefined ? shortMessage : `exit code ${exitCode}`)}`,
    );
    return exitCode ?? 1;
  } finally {
    clearInterval(look);
    await scope.end();
  }
});

/** Where one more desk is: that of the stack, unless one is there. */
async function deskFor({ desk }: StackFile): Promise<URL> {
  const url = new URL(desk ?? 'http://127.0.0.1:8700');
  url.port = String(await deskPort(Number(url.port)));
  return url;
}
