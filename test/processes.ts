import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CRASH_BY_MESSAGE, CrashPoint } from '../runtime/crash-point';
import type { Surroundings } from './setup';

/** A process of ours, as it runs in production. */
export interface TestProcess {
  pid: number;
  /** Resolves when the process says that it is ready. */
  ready: Promise<void>;
  /** Resolves when the process has ended: how. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What it wrote so far. */
  output: () => string;
  kill: (signal: NodeJS.Signals) => void;
  /** Has it die where it comes by this point next; it has been started `byMessage`. */
  dieAt: (point: CrashPoint) => Promise<void>;
}

/**
 * Starts a built process on a test file's surroundings.
 *
 * @param clone that is built. @default this one
 */
export function startProcess(
  name: 'worker' | 'dispatch-system' | 'supplement' | 'api',
  surroundings: Surroundings,
  environment: {
    ORDER_DISPATCH_CRASH_POINT?: typeof CRASH_BY_MESSAGE;
    [variable: string]: string | undefined;
  } = {},
  clone = join(__dirname, '..'),
): TestProcess {
  const child: ChildProcess = spawn(process.execPath, [join(clone, 'dist', name, 'main.js')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      TEMPORAL_ADDRESS: surroundings.stack.temporalAddress,
      TEMPORAL_NAMESPACE: surroundings.namespace,
      AMQP_URL: surroundings.amqpUrl,
      ORDERS_DATABASE_URL: surroundings.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: surroundings.dispatchDatabaseUrl,
      ...environment,
    },
  });
  let output = '';
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('"msg":"ready"')) resolve();
    });
    void exited.then(() => reject(new Error(`${name} ended: ${output.slice(-2_000)}`)));
  });
  ready.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    output: () => output,
    kill: (signal) => child.kill(signal),
    dieAt: async (point) => {
      const armed = once(child, 'message');
      child.send(point);
      await armed;
    },
  };
}
