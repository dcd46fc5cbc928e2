import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openOperatorSession } from '../operations/operator-session';
import { setWorkerVersion } from '../operations/worker-version';
import { readWorkerVersion } from '../runtime/config';
import { STACK_FILE } from '../runtime/stack-file';
import { keepStackFile, type KeptStackFile } from './keep-stack-file';
import {
  PROCESSES,
  PROCESS_NAMES,
  programOf,
  type ConnectionDetails,
  type ProcessName,
} from './processes';
import { timed, type Progress } from './progress';
import { deskPort, freePort } from './servers/ports';
import { startServices, type Services } from './services';
import { StackError } from './stack-error';
import { shownPath, stackFolder } from './stack-folder';
import { claimName, isAlive, readProcessFiles } from './supervision/process-file.cjs';
import { unlessStopped } from './supervision/run-command';
import type { Scope } from './supervision/scope';
import { startServerProcess } from './supervision/server-process';

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
  readonly details: ConnectionDetails;
  readonly scope: Scope;
  /** The `.local` folder, with all that the stack writes. */
  readonly folder: string;
  /** The processes of ours that were started with it, and their logs: paths as one types them. */
  readonly processes: Readonly<Partial<Record<ProcessName, { pid: number; logFile: string }>>>;
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
  claimStack(folder);
  const services = await startServices({ directory: folder, progress, signal: stop });
  const { scope } = services;
  scope.ownPath(join(directory, STACK_FILE));
  const details = { ...toDetails(services), desk: `http://127.0.0.1:${await deskPort()}` };
  const processes: Partial<Record<ProcessName, { pid: number; logFile: string }>> = {};
  const state = { stopping: false };
  let stackFile: KeptStackFile;
  try {
    mkdirSync(join(folder, 'logs'), { recursive: true });
    await unlessStopped(stop, () =>
      Promise.all(
        PROCESS_NAMES.filter((name) => !without.includes(name)).map(async (name) => {
          const logFile = join(folder, 'logs', `${name}.log`);
          const pid = await startProcess({ ...options, name, logFile, scope, details, state });
          processes[name] = { pid, logFile: shownPath(logFile) };
        }),
      ),
    );
    if (processes.worker) await unlessStopped(stop, () => routeToWorker(details, progress));
    stackFile = keepStackFile(directory, details);
  } catch (error) {
    state.stopping = true;
    await services.stop();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    details,
    scope,
    folder,
    processes,
    temporalCli: services.temporalCli,
    stop() {
      state.stopping = true;
      stackFile.remove();
      stopped ??= untilOthersLeft(folder, scope, progress).then(() => services.stop());
      return stopped;
    },
  };
}

/** A worker that was given a version gets no orders until that is current. */
async function routeToWorker(details: ConnectionDetails, progress: Progress): Promise<void> {
  const version = readWorkerVersion();
  if (!version) return;
  const { temporalAddress: address, temporalNamespace: namespace } = details;
  const session = await openOperatorSession({ access: { address, namespace } });
  try {
    await setWorkerVersion(session, version);
    progress(`version ${version.buildId} of the worker is current`);
  } catch (cause) {
    throw new StackError((cause as Error).message, { cause });
  } finally {
    await session.close();
  }
}

/**
 * Makes this process the only one that runs a local stack in this folder. Before the stack's details
 * are there to be seen, since it takes seconds until they are.
 *
 * @throws StackError that names the process which runs one already.
 */
function claimStack(folder: string): void {
  const { holder } = claimName(folder, 'stack');
  if (!holder) return;
  throw new StackError(
    `a local stack runs already, as process ${holder.pid}: use that one, or stop it first (Ctrl-C in its terminal, or kill ${holder.pid})`,
  );
}

function toDetails(services: Services): ConnectionDetails {
  return {
    temporalAddress: services.temporalAddress,
    temporalNamespace: services.temporalNamespace,
    // Nobody told us where the Web UI of a given Temporal is.
    webUi: services.webUi ?? '',
    ...(services.temporalCli !== undefined && { temporalCli: services.temporalCli }),
    amqpUrl: services.amqpUrl,
    ...(services.rabbitmqManagementUrl !== undefined && {
      rabbitmqManagementUrl: services.rabbitmqManagementUrl,
    }),
    ordersDatabaseUrl: services.ordersDatabaseUrl,
    dispatchDatabaseUrl: services.dispatchDatabaseUrl,
  };
}

/**
 * Starts a process of ours, waits until it can do its work, and from then on minds that it lives.
 *
 * @returns its process ID.
 */
async function startProcess(
  given: LocalStackOptions & {
    name: ProcessName;
    logFile: string;
    scope: Scope;
    details: ConnectionDetails;
    state: { readonly stopping: boolean };
  },
): Promise<number> {
  const { name, logFile, scope, details, state, decideModule, supplementGraceMs } = given;
  const { title, environment } = PROCESSES[name];
  const healthPort = await freePort();
  rmSync(logFile, { force: true });
  const started = await startServerProcess(scope, {
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
  void started.exited.then((how) => {
    if (state.stopping) return;
    given.onDeath({ name, pid, how, logFile: shownPath(logFile), logTail: started.logTail() });
  });
  return pid;
}

/** How long those of `npm run worker` and the like get to leave before the servers go. */
const LEAVING_MS = 10_000;

/** Waits for the processes that other terminals started on the stack, and that now see its end. */
async function untilOthersLeft(folder: string, scope: Scope, progress: Progress): Promise<void> {
  const others = readProcessFiles(folder).filter(
    (other) => isProcessName(other.name) && other.scope !== scope.name && isAlive(other),
  );
  if (others.length === 0) return;
  const pids = others.map(({ pid }) => pid).join(', ');
  progress(`waiting until the processes of other terminals have left: ${pids}`);
  const deadline = Date.now() + LEAVING_MS;
  while (others.some(isAlive) && Date.now() < deadline) await sleep(50);
}

function isProcessName(name: string): name is ProcessName {
  return PROCESS_NAMES.some((known) => known === name);
}
