import { DefaultLogger, Runtime } from '@temporalio/worker';
import { readSupplementConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from './connect-temporal';
import { startSupplementSystem } from './supplement-system';

/** The supplement system as a process of its own. */
runProcess('supplement', readSupplementConfig, async (config, log) => {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[TEMPORAL_LEVELS[level]]({ ...rest, ...(error ? { err: error as Error } : {}) }, message);
    }),
    // The process's own signal handling drains the worker.
    shutdownSignals: [],
  });
  const { amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, graceMs } = config;
  const connection = await connectTemporal(config.temporal);
  const supplement = await startSupplementSystem({
    connection,
    namespace: config.temporal.namespace,
    amqpUrl,
    ordersDatabaseUrl,
    dispatchDatabaseUrl,
    graceMs,
    log,
  });
  return {
    ready: supplement.ready,
    failed: supplement.failed,
    close: async () => {
      await supplement.close();
      await connection.close();
    },
  };
});

const TEMPORAL_LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;
