import { openConnection } from '../../temporal/connection';
import { freePort, isOpen } from './ports';
import type { Scope } from '../supervision/scope';
import { startServerProcess, type ServerProcess } from '../supervision/server-process';
import type { TemporalCli } from './temporal-cli';
import { createNamespace } from './temporal-namespace';

/** A private Temporal server. */
export interface Temporal {
  /** host:port of the frontend. */
  readonly address: string;
  /** URL of the Web UI. */
  readonly webUi: string;
  /** URL of the server's Prometheus metrics. */
  readonly metricsUrl: string;
  /** Path of the `temporal` command line. */
  readonly cli: string;
  /** Creates a namespace with the service's search attributes, and waits until it can be used. */
  createNamespace(name: string): Promise<void>;
  readonly pid: number;
  /** Shuts it down in order. What is in memory is gone; a database file stays. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same ports. */
  start(): Promise<void>;
}

/**
 * What the development server holds back by default. The task queues of its single shard are read
 * 20 times a second, so that every step of a workflow waits 40 ms; the rest are limits per second
 * that a benchmark or a suite of tests meets.
 */
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'frontend.rps': 100_000,
  'frontend.namespaceRPS': 100_000,
  'frontend.namespaceRPS.visibility': 10_000,
  'frontend.namespaceCount': 20_000,
  'frontend.rps.namespaceReplicationInducingAPIs': 1000,
  'frontend.namespaceRPS.namespaceReplicationInducingAPIs': 1000,
  'frontend.globalNamespaceRPS.namespaceReplicationInducingAPIs': 0,
  // Timers fire up to this much late: a second by default, as long as many a test's timeout.
  'history.timerProcessorMaxTimeShift': '"50ms"',
  // What is deleted waits else until a queue has noted how far it is, which it does each 30 s.
  'history.transferProcessorEnsureCloseBeforeDelete': false,
  'matching.rps': 100_000,
  'history.rps': 100_000,
  'matching.persistenceMaxQPS': 100_000,
  // One server needs no partitions, which only send tasks round among themselves.
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

/**
 * With a write-ahead log and without a sync for each commit the file costs little more than memory. The
 * end of the server's process loses nothing by it; the end of the machine may.
 */
const DATABASE_FILE = ['journal_mode=WAL', 'synchronous=OFF'].flatMap((pragma) => [
  '--sqlite-pragma',
  pragma,
]);

/** Starts a private Temporal development server with its Web UI, on 127.0.0.1 and free ports. */
export async function startTemporal(options: {
  scope: Scope;
  cli: TemporalCli;
  /** Keeps everything in this file, so that a restart finds it; in memory without one. */
  databaseFile?: string;
  /** Dynamic configuration beyond ours, for all namespaces. */
  dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
}): Promise<Temporal> {
  const { scope, cli, databaseFile, dynamicConfig } = options;
  const port = await freePort();
  const uiPort = await freePort();
  const metricsPort = await freePort();
  const args = [
    ...['server', 'start-dev', '--headless=false', '--ip', '127.0.0.1'],
    ...['--port', String(port), '--ui-port', String(uiPort)],
    ...['--http-port', String(await freePort()), '--metrics-port', String(metricsPort)],
    ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile, ...DATABASE_FILE]),
    ...Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig }).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]),
  ];
  const address = `127.0.0.1:${port}`;

  let server: ServerProcess;
  const start = async () => {
    server = await startServerProcess(scope, {
      name: 'temporal',
      command: cli.path,
      args,
      signal: 'SIGKILL',
      graceMs: 5000,
    });
    // First the bare port: gRPC waits a second after each refused connection.
    await server.untilReady(() => isOpen(port));
    await server.untilReady(() => serves(address));
  };
  await start();

  return {
    address,
    webUi: `http://127.0.0.1:${uiPort}`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    cli: cli.path,
    createNamespace: (name) => createNamespace(address, name),
    get pid() {
      return server.pid;
    },
    stop: () => server.stop('SIGTERM'),
    kill: () => server.stop('SIGKILL'),
    start,
  };
}

async function serves(address: string): Promise<boolean> {
  const connection = await openConnection({ address, connectTimeout: '2 s' });
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    return true;
  } finally {
    await connection.close();
  }
}
