import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { DispatchUnavailable } from '../domain/errors';
import type { Logger } from './logger';

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/**
 * Connects a process of ours to Temporal, whose log lines join the process's own.
 *
 * @throws {@link DispatchUnavailable} where nothing answers at the address.
 */
export async function connectTemporal(
  options: NativeConnectionOptions,
  log: Logger,
): Promise<NativeConnection> {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[LEVELS[level]]({ ...rest, ...(error ? { err: error as Error } : {}) }, message);
    }),
    // The core's own warnings are of answers that were quicker than the activity that asked.
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
    // The process's own signal handling drains the worker.
    shutdownSignals: [],
  });
  try {
    return await NativeConnection.connect(options);
  } catch (cause) {
    const [why] = (cause as Error).message.split('\n');
    throw new DispatchUnavailable(`Temporal cannot be reached at ${options.address}: ${why}`, {
      cause,
    });
  }
}
