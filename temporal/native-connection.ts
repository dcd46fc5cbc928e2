import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import getPort from 'get-port';
import type { DataConverter } from '@temporalio/common';
import { DispatchUnavailable } from '../domain/errors';
import type { TemporalConfig } from '../runtime/config';
import type { Logger } from '../runtime/logger';
import { loadDataConverter } from './codec-module';
import { toConnectionOptions } from './connection-options';

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

const LOOPBACK = '127.0.0.1';

/** What a worker of ours is made with. */
interface WorkerConnection {
  /** Whoever connected closes it. */
  connection: NativeConnection;
  namespace: string;
  dataConverter?: DataConverter;
}

/** The same, of a process of ours. */
export interface ProcessConnection extends WorkerConnection {
  /** The metrics of Temporal's SDK, as Prometheus' text. */
  sdkMetrics: () => Promise<string>;
}

/**
 * Connects a process of ours to Temporal, whose log lines join the process's own.
 *
 * @throws {@link DispatchUnavailable} where nothing answers at the address; InvalidConfiguration where
 * the certificate or the codec module cannot be used.
 */
export async function connectTemporal(
  config: TemporalConfig,
  log: Logger,
): Promise<ProcessConnection> {
  const { namespace, codecModule } = config;
  const options = await toConnectionOptions(config);
  const dataConverter = codecModule === undefined ? undefined : loadDataConverter(codecModule);
  // The SDK serves its metrics itself; the process's own endpoint passes them on.
  const bindAddress = `${LOOPBACK}:${await getPort({ host: LOOPBACK })}`;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { error, ...rest } = meta ?? {};
      log[LEVELS[level]]({ ...rest, ...(error ? { err: error as Error } : {}) }, message);
    }),
    // An answer can come before its activity has thrown CompleteAsyncError: the core would warn of each.
    telemetryOptions: {
      logging: { filter: 'ERROR', forward: {} },
      metrics: { prometheus: { bindAddress } },
    },
    // The process's own signal handling drains the worker.
    shutdownSignals: [],
  });
  try {
    const connection = await NativeConnection.connect(options);
    return {
      ...{ connection, namespace },
      ...(dataConverter && { dataConverter }),
      sdkMetrics: async () => (await fetch(`http://${bindAddress}/metrics`)).text(),
    };
  } catch (cause) {
    const [why] = (cause as Error).message.split('\n');
    throw new DispatchUnavailable(`Temporal cannot be reached at ${options.address}: ${why}`, {
      cause,
    });
  }
}
