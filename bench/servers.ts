import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import { freePort } from '../stack/servers/ports';
import { PROCESSES, programOf, type ProcessName } from '../stack/processes';
import type { Progress } from '../stack/progress';
import { vhostUrl } from '../stack/servers/rabbitmq-management';
import { startServerProcess, type ServerProcess } from '../stack/supervision/server-process';
import { startTestServices, TEMPLATES } from '../stack/services';
import type { Scope } from '../stack/supervision/scope';
import { createNamespace } from '../stack/servers/temporal-namespace';
import { query } from '../stack/servers/query';

/** What one contestant or scenario has for itself on the servers, so that its work can be counted. */
export interface Surroundings {
  temporalAddress: string;
  namespace: string;
  vhost: string;
  amqpUrl: string;
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl: string;
}

/** The servers that the benchmark runs on: its own, but for a Temporal that was given. */
export interface Servers {
  /** Further processes are started in it, and so end with it. */
  readonly scope: Scope;
  /** host:port. */
  readonly temporalAddress: string;
  readonly postgresUrl: string;
  /** RabbitMQ's management API, with credentials. */
  readonly managementUrl: string;
  /** The Temporal server's Prometheus metrics; `undefined` where Temporal was given. */
  readonly metricsUrl: string | undefined;
  /** Node's own options for our processes. */
  readonly nodeOptions: readonly string[];
  /** Process IDs, by the name in the report. */
  readonly pids: Readonly<Record<string, number>>;
  createSurroundings(name: string): Promise<Surroundings>;
  /** Starts one of our own processes as in production, with further variables; waits until it is ready. */
  startProcess(
    name: ProcessName,
    surroundings: Surroundings,
    environment?: Readonly<Record<string, string>>,
  ): Promise<ServerProcess>;
  stop(): Promise<void>;
}

/**
 * Brings up the servers: PostgreSQL with its statement counter (and without fsync, as for the
 * tests), RabbitMQ, and a Temporal development server in memory unless one is given.
 *
 * @param options.temporalAddress host:port of a Temporal server on this machine, to be used instead
 * @param options.profileFolder where our processes leave CPU profiles when they end
 */
export async function startServers(options: {
  progress: Progress;
  signal: AbortSignal;
  temporalAddress?: string;
  profileFolder?: string;
}): Promise<Servers> {
  const services = await startTestServices({
    directory: join(packageRoot(), '.local'),
    progress: options.progress,
    signal: options.signal,
  });
  const { scope, postgres, rabbitmq, temporal } = services;
  const { temporalAddress: given, profileFolder } = options;
  const nodeOptions = profileFolder ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [];
  const temporalAddress = given ?? temporal.address;
  try {
    if (given !== undefined) await temporal.stop();
    await countStatements(postgres);
  } catch (error) {
    await services.stop();
    throw error;
  }

  return {
    scope,
    temporalAddress,
    nodeOptions,
    postgresUrl: postgres.url(),
    managementUrl: rabbitmq.managementUrl,
    metricsUrl: given === undefined ? temporal.metricsUrl : undefined,
    pids: {
      ...(given === undefined && { Temporal: temporal.pid }),
      PostgreSQL: postgres.pid,
      RabbitMQ: rabbitmq.pid,
    },
    async createSurroundings(name) {
      // A given Temporal keeps the namespaces of earlier runs.
      const namespace = `bench-${scope.id}-${name}`.toLowerCase();
      const [ordersDatabaseUrl, dispatchDatabaseUrl] = await Promise.all([
        postgres.createDatabase(`${name}-orders`, { template: TEMPLATES.orders }),
        postgres.createDatabase(`${name}-dispatch`, { template: TEMPLATES.dispatch }),
        rabbitmq.createVhost(name),
        createNamespace(temporalAddress, namespace),
      ]);
      const amqpUrl = vhostUrl(rabbitmq.url(), name);
      const databases = { ordersDatabaseUrl, dispatchDatabaseUrl };
      return { temporalAddress, namespace, vhost: name, amqpUrl, ...databases };
    },
    async startProcess(name, surroundings, environment = {}) {
      const healthPort = await freePort();
      const stack = { ...surroundings, temporalNamespace: surroundings.namespace, webUi: '' };
      const started = await startServerProcess(scope, {
        name: `${surroundings.vhost}-${name}`,
        command: process.execPath,
        args: [...nodeOptions, programOf(name)],
        env: {
          ...PROCESSES[name].environment(stack),
          HEALTH_PORT: String(healthPort),
          ...environment,
        },
        signal: 'SIGKILL',
        graceMs: 1_000,
      });
      await started.untilReady(async () => {
        const { ok } = await fetch(`http://127.0.0.1:${healthPort}/ready`);
        return ok;
      });
      return started;
    },
    stop: () => services.stop(),
  };
}

/** The library that counts is loaded at the server's start only. */
async function countStatements(postgres: {
  url: () => string;
  stop: () => Promise<void>;
  start: () => Promise<void>;
}): Promise<void> {
  await query(postgres.url(), `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
  await postgres.stop();
  await postgres.start();
  await query(postgres.url(), 'CREATE EXTENSION pg_stat_statements');
}
