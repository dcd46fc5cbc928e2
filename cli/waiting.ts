import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import type { OpenTask } from '../operations/open-tasks';
import type { OperatorSession } from '../operations/operator-session';
import { WaitTimedOut } from '../domain/errors';
import { wholeNumberOption } from './options';
import type { NextCommand } from './open-services';
import { say } from './output';
import { resolveCommands } from './status-text';

/** How long a command that waits may wait. */
export interface WaitOptions {
  /** In seconds. @default for as long as it takes */
  timeout?: number;
}

/** Whether a command waits at all. */
export interface MayWaitOptions extends WaitOptions {
  wait: boolean;
}

const LONGEST_TIMEOUT_SECONDS = 30 * 24 * 60 * 60;

/** Below that, nobody wonders what the command does. */
const SAY_AFTER_MS = 2_000;

/** How often it looks whether a person is needed, and whether a worker answers. */
const LOOK_EVERY_MS = 2_000;

/** Looks in a row that nobody may answer: with several workers, one that hangs is not all. */
const UNANSWERED_LOOKS = 2;

/** The option `--timeout`. */
export function timeoutOption(): Option {
  return wholeNumberOption(
    '--timeout <seconds>',
    'how long to wait, at most; then it exits with 3',
    {
      minimum: 1,
      maximum: LONGEST_TIMEOUT_SECONDS,
    },
  );
}

/** Adds `--timeout` and `--no-wait`. */
export function withWaiting(command: Command): Command {
  return command
    .addOption(timeoutOption().conflicts('wait'))
    .option('--no-wait', 'ask for it, and leave at once');
}

/**
 * Waits for `work`. What takes longer than a moment says what it waits for, and names each human task
 * that is open about the order meanwhile, with the commands that resolve it.
 *
 * @param given.resolves the task that is being resolved: not named.
 * @throws {@link WaitTimedOut}; DispatchUnavailable where no worker answers; what `work` throws.
 */
export async function waitFor<Result>(
  work: () => Promise<Result>,
  given: {
    session: OperatorSession;
    orderId: string;
    /** What it waits for, in a clause: `until ...`. */
    until: string;
    options: WaitOptions;
    nextCommand: NextCommand;
    resolves?: string;
  },
): Promise<Result> {
  const { session, options, orderId, nextCommand } = given;
  const over = new AbortController();
  const { signal } = over;
  // Each look listens to it, and the SDK leaves its listeners there.
  setMaxListeners(0, signal);
  const { connection } = session;
  const working = connection.withAbortSignal(signal, work);
  const contenders = [working, connection.withAbortSignal(signal, () => watch(given, signal))];
  if (options.timeout !== undefined) contenders.push(timeOut(options.timeout, signal));
  // Whoever loses is called off, which nobody wants to hear of.
  for (const contender of contenders) contender.catch(() => {});
  try {
    return await Promise.race(contenders);
  } catch (error) {
    if (!(error instanceof WaitTimedOut)) throw error;
    const seconds = `${options.timeout} s`;
    throw new WaitTimedOut(
      `waited ${seconds} ${given.until}: it goes on by itself; where it stands: ${nextCommand(`show ${orderId}`)}`,
    );
  } finally {
    over.abort();
  }
}

async function timeOut(seconds: number, signal: AbortSignal): Promise<never> {
  await pause(seconds * 1_000, undefined, { signal });
  throw new WaitTimedOut();
}

/** Never returns; throws where nobody answers. */
async function watch(given: Parameters<typeof waitFor>[1], signal: AbortSignal): Promise<never> {
  const { session, orderId, until, nextCommand, resolves } = given;
  const { findOpenTasks } = await import('../operations/open-tasks.js');
  await pause(SAY_AFTER_MS, undefined, { signal });
  say(`waiting ${until} (Ctrl-C ends the waiting, not what is waited for)`);
  const told = new Set<string>();
  for (let unanswered = 0; ;) {
    try {
      const tasks = (await findOpenTasks(session, orderId)) ?? [];
      signal.throwIfAborted();
      unanswered = 0;
      for (const task of tasks) {
        const key = `${task.taskId} ${task.humanTask.escalatedAt}`;
        if (told.has(key) || task.taskId === resolves) continue;
        told.add(key);
        say(taskText(orderId, task, nextCommand));
      }
    } catch (error) {
      unanswered += 1;
      if (unanswered >= UNANSWERED_LOOKS) throw error;
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

function taskText(orderId: string, { taskId, humanTask }: OpenTask, next: NextCommand): string {
  const { escalationReason, decisions } = humanTask;
  return [
    `order ${orderId} waits for a person (${escalationReason}). What happened:`,
    `  ${next(`tasks show ${taskId}`)}`,
    'It is resolved, in another terminal, by one of these:',
    ...resolveCommands({ orderId: taskId, decisions, nextCommand: next }).map(
      (command) => `  ${command}`,
    ),
  ].join('\n');
}
