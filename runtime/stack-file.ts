import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';

/** Where the running local stack leaves its connection details, relative to the clone (mode 0600). */
export const STACK_FILE = '.local/stack.json';

/** What `.local/stack.json` holds while the local stack runs. */
const stackFileSchema = z.object({
  temporalAddress: z.string(),
  temporalNamespace: z.string(),
  webUi: z.string(),
  /** Where the API serves the desk; absent of an earlier build's stack. */
  desk: z.string().optional(),
  /** Path of Temporal's command line; absent where Temporal was given. */
  temporalCli: z.string().optional(),
  amqpUrl: z.string(),
  /** Absent where RabbitMQ was given. */
  rabbitmqManagementUrl: z.string().optional(),
  ordersDatabaseUrl: z.string(),
  dispatchDatabaseUrl: z.string(),
  /** Process IDs by process; `stack` is the one that owns the rest. */
  pids: z.object({
    stack: z.number().int(),
    worker: z.array(z.number().int()),
    dispatchSystem: z.array(z.number().int()),
    // The stack of an earlier build has none, and still runs.
    supplement: z.array(z.number().int()).default([]),
    api: z.array(z.number().int()).default([]),
  }),
});

/** The local stack's connection details. */
export type StackFile = z.infer<typeof stackFileSchema>;

/**
 * Reads the details of the local stack that runs for the clone in `directory`.
 *
 * @returns `undefined` where none runs: there is no file, or the process that wrote it is gone.
 * @throws if the file is there but is not what the stack writes.
 */
export function readStackFile(directory: string): StackFile | undefined {
  let text: string;
  try {
    text = readFileSync(resolve(directory, STACK_FILE), 'utf8');
  } catch {
    return undefined;
  }
  const stack = stackFileSchema.parse(JSON.parse(text));
  return isRunning(stack.pids.stack) ? stack : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
