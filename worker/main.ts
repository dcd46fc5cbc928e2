import { readFile } from 'node:fs/promises';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { readWorkerConfig, type TemporalConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { createOrderDispatchWorker } from './worker';

/** The worker as a process of its own. */
runProcess('worker', readWorkerConfig, async (config, log) => {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[TEMPORAL_LEVELS[level]]({ ...rest, ...(error ? { err: error as Error } : {}) }, message);
    }),
    // The core's own warnings are of answers that were quicker than the activity that asked.
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
    // The process's own signal handling drains the worker.
    shutdownSignals: [],
  });
  const connection = await NativeConnection.connect(await connectionOptions(config.temporal));
  const { namespace } = config.temporal;
  const { amqpUrl, ordersDatabaseUrl, policy } = config;
  const worker = await createOrderDispatchWorker({
    connection,
    namespace,
    amqpUrl,
    ordersDatabaseUrl,
    policy,
    log,
  });
  return {
    ready: worker.ready,
    failed: worker.failed,
    close: async () => {
      await worker.close();
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

async function connectionOptions(temporal: TemporalConfig) {
  const { address, apiKey, tls, tlsClientCertPath, tlsClientKeyPath } = temporal;
  const clientCertPair =
    tlsClientCertPath && tlsClientKeyPath
      ? { crt: await readFile(tlsClientCertPath), key: await readFile(tlsClientKeyPath) }
      : undefined;
  return {
    address,
    ...(apiKey && { apiKey }),
    ...(clientCertPair ? { tls: { clientCertPair } } : tls !== undefined && { tls }),
  };
}
