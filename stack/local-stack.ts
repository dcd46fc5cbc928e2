import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STACK_FILE, readStackFile, type StackFile } from '../runtime/stack-file';
import { claimStack } from './claim-stack';
import { freePort } from './ports';
import { PROCESSES, PROCESS_NAMES, programOf, type ProcessName } from './processes';
import { timed, type Progress } from './progress';
import type { Run } from './stack-run';
import { unlessStopped } from './run-command';
import { startServerProcess } from './server-process';
import { startServices, type Services } from './services';
import { shownPath, stackFolder } from './stack-folder';
import { isRunning, removePid, writeStackFile } from './write-stack-file';

/** How a local stack is started. */
export interface LocalStackOptions {
  progress: Progress;
  /** Gives up and takes down whatever has been started. */
  stop: AbortSignal;
  /** Processes that somebody else brings. */
  without?: readonly ProcessName[];
  /** How the dispatch system decides: the path of a module that exports `decide`. */
  decideModule?: string;
  /** How old a request is when the supplement system looks at it, in ms. @default its own, 30 s */
  supplementGraceMs?: number;
  /** A process of ours ended and was not told to. It is not started again. */
  onDeath: (death: Death) => void;
}

/** A process of ours that ended and was not told to. */
export interface Death {
  name: ProcessName;
  pid: number;
  /** `exit code 1`, or a signal's name. */
  how: string;
  logFile: string;
  logTail: string;
}

/** The whole service, running. */
export interface LocalStack {
  /** What is in `.local/stack.json`, without the processes of other terminals. */
  readonly details: StackFile;
  readonly run: Run;
  /** The `.local` folder, with all that the stack writes. */
  readonly folder: string;
  /** The logs of our processes: paths as one types them. */
  readonly logs: Readonly<Partial<Record<ProcessName, string>>>;
  /** Path of the `temporal` command line; `undefined` where Temporal was given. */
  readonly temporalCli: string | undefined;
  /** Stops everything in the reverse order of its start. May be called more than once. */
  stop(): Promise<void>;
}

/** How long a process of ours may take to finish what it is at. */
const PROCESS_GRACE_MS = 15_000;

/**
 * Brings up the servers and then our own processes, and leaves the connection details in
 * `.local/stack.json` until it is stopped. Everything is new: the data of the private servers goes
 * with the stack.
 *
 * @throws StackError if it does not come up (by then nothing of it is left), or one runs already.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { progress, stop, without = [] } = options;
  const directory = stackFolder();
  const folder = join(directory, '.local');
  const claim = claimStack(directory);
  const services = await startServices({ directory: folder, progress, signal: stop });
  services.run.ownPath(claim);
  services.run.ownPath(join(directory, STACK_FILE));
  const details = toDetails(services);
  const logs: Partial<Record<ProcessName, string>> = {};
  const state = { stopping: false };
  try {
    mkdirSync(join(folder, 'logs'), { recursive: true });
    await unlessStopped(stop, () =>
      Promise.all(
        PROCESS_NAMES.filter((name) => !without.includes(name)).map(async (name) => {
          const logFile = join(folder, 'logs', `${name}.log`);
          logs[name] = shownPath(logFile);
          await startProcess({ ...options, name, logFile, directory, services, details, state });
        }),
      ),
    );
    writeStackFile(directory, details);
  } catch (error) {
    state.stopping = true;
    await services.stop();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    details,
    run: services.run,
    folder,
    logs,
    temporalCli: services.temporalCli,
    stop() {
      state.stopping = true;
      stopped ??= leave(directory, details, progress).then(() => services.stop());
      return stopped;
    },
  };
}

function toDetails(services: Services): StackFile {
  return {
    temporalAddress: services.temporalAddress,
    temporalNamespace: services.temporalNamespace,
    // Nobody told us where the Web UI of a given Temporal is.
    webUi: services.webUi ?? '',
    amqpUrl: services.amqpUrl,
    ordersDatabaseUrl: services.ordersDatabaseUrl,
    dispatchDatabaseUrl: services.dispatchDatabaseUrl,
    pids: { stack: process.pid, worker: [], dispatchSystem: [], supplement: [] },
  };
}

/** Starts a process of ours, waits until it can do its work, and from then on minds that it lives. */
async function startProcess(
  given: LocalStackOptions & {
    name: ProcessName;
    logFile: string;
    directory: string;
    services: Services;
    details: StackFile;
    state: { readonly stopping: boolean };
  },
): Promise<void> {
  const { name, logFile, directory, services, details, state, decideModule, supplementGraceMs } =
    given;
  const { title, pids, environment } = PROCESSES[name];
  const healthPort = await freePort();
  rmSync(logFile, { force: true });
  const started = await startServerProcess(services.run, {
    name,
    command: process.execPath,
    args: [programOf(name)],
    // Where relative paths in its environment start from.
    cwd: process.cwd(),
    env: {
      ...environment(details),
      HEALTH_PORT: String(healthPort),
      ...(decideModule !== undefined && { DISPATCH_SYSTEM_DECIDE_MODULE: decideModule }),
      ...(supplementGraceMs !== undefined && { SUPPLEMENT_GRACE_MS: String(supplementGraceMs) }),
    },
    logFile,
    signal: 'SIGTERM',
    graceMs: PROCESS_GRACE_MS,
  });
  await timed(given.progress, `the ${title} is ready`, () =>
    started.untilReady(async () => {
      const { ok } = await fetch(`http://127.0.0.1:${healthPort}/ready`);
      return ok;
    }),
  );
  const { pid } = started;
  details.pids[pids].push(pid);
  void started.exited.then((how) => {
    if (state.stopping) return;
    details.pids[pids] = details.pids[pids].filter((other) => other !== pid);
    removePid(directory, pids, pid);
    given.onDeath({ name, pid, how, logFile: shownPath(logFile), logTail: started.logTail() });
  });
}

/** How long those of `npm run worker` and the like get to leave before the servers go. */
const LEAVING_MS = 10_000;

/** Takes the details away, by which processes started from other terminals see that it is over. */
async function leave(directory: string, details: StackFile, progress: Progress): Promise<void> {
  const listed = readStackFile(directory)?.pids ?? details.pids;
  rmSync(join(directory, STACK_FILE), { force: true });
  const ours = processIds(details.pids);
  const foreign = processIds(listed).filter((pid) => !ours.includes(pid));
  if (!foreign.some(isRunning)) return;
  progress(`waiting until the processes of other terminals have left: ${foreign.join(', ')}`);
  const deadline = Date.now() + LEAVING_MS;
  while (foreign.some(isRunning) && Date.now() < deadline) await sleep(50);
}

function processIds(pids: StackFile['pids']): number[] {
  return PROCESS_NAMES.flatMap((name) => pids[PROCESSES[name].pids]);
}
