import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { WORKER_DEPLOYMENT } from '../domain/temporal-names';
import { setWorkerVersion } from '../operations/worker-version';
import { packageRoot } from '../runtime/package-root';
import { PROCESSES, programOf, type ProcessName } from '../stack/processes';
import type { Progress } from '../stack/progress';
import { freePort } from '../stack/servers/ports';
import { rabbitmqctl } from '../stack/servers/rabbitmqctl';
import { vhostUrl } from '../stack/servers/rabbitmq-management';
import { startProxy, type Proxy } from '../stack/servers/tcp-proxy';
import { createNamespace } from '../stack/servers/temporal-namespace';
import { startTestServices, TEMPLATES, type TestServices } from '../stack/services';
import { startServerProcess, type ServerProcess } from '../stack/supervision/server-process';
import { lazyConnection } from '../temporal/connection';

/** How long a supervisor waits before it starts again what has died, in ms. */
const RESTART_AFTER_MS = 500;

/** How old a copy must be before its order is compared, in ms: short, as the run is. */
const GRACE_MS = 3_000;

/** How long a process may take to get ready, and a roll-out to be known to Temporal, in ms. */
const STUCK_AFTER_MS = 120_000;

/** How long a process that is told to end in order may take, in ms. */
const ENDS_WITHIN_MS = 30_000;

/** What a process of ours speaks to, each by a proxy of its own. */
export const SIDES = ['broker', 'database', 'temporal'] as const;

/** What a process of ours speaks to. */
export type Side = (typeof SIDES)[number];

/** A process of ours with a supervisor that starts it again, as an installation has it. */
export interface Member {
  name: string;
  kind: ProcessName;
  proxies: Record<Side, Proxy>;
  /** Ends it; its supervisor starts it again, from now on with these variables changed. */
  restart: (signal: NodeJS.Signals, changed?: Readonly<Record<string, string>>) => Promise<void>;
  signal: (signal: NodeJS.Signals) => void;
  /** Waits until it says that it is ready. @throws where it takes too long. */
  untilReady: () => Promise<void>;
  /** Where an HTTP API listens. */
  apiUrl?: string;
  /** How often it was started. */
  starts: () => number;
  end: () => Promise<void>;
}

/** All that the faults are done to. */
export interface Field {
  services: TestServices;
  namespace: string;
  vhost: string;
  /** Past all proxies: for those who look from outside. */
  direct: {
    temporalAddress: string;
    amqpUrl: string;
    ordersDatabaseUrl: string;
    dispatchDatabaseUrl: string;
    postgresUrl: string;
  };
  members: Member[];
  of: (kind: ProcessName) => Member[];
  /** Multiplies each limit. */
  patience: number;
  /** Rolls the next build of all processes out, one after the other, and has its workers get the orders. */
  rollOut: () => Promise<void>;
  end: () => Promise<void>;
}

/** Brings up servers of its own, and so many of each process of ours. */
export async function openField(options: {
  progress: Progress;
  signal: AbortSignal;
  processes: Readonly<Record<ProcessName, number>>;
  /** Multiplies each limit. @default 1 */
  patience?: number;
  /** Variables of the processes of a kind, counted from 0. */
  environmentOf?: (kind: ProcessName, index: number) => Readonly<Record<string, string>>;
}): Promise<Field> {
  const { progress, signal, processes, patience = 1, environmentOf = () => ({}) } = options;
  const services = await startTestServices({
    directory: join(packageRoot(), '.local'),
    progress,
    signal,
    // Temporal is killed, too.
    keepsTemporal: true,
  });
  try {
    const { scope, postgres, rabbitmq, temporal } = services;
    // Whether it is quiet is seen by its counts, which it makes every five seconds otherwise.
    await rabbitmqctl(rabbitmq.rabbitmqctl, [
      'eval',
      'application:set_env(rabbit, collect_statistics_interval, 1000).',
    ]);
    const [namespace, vhost] = [`chaos-${scope.id}`.toLowerCase(), 'chaos'];
    const [ordersDatabaseUrl, dispatchDatabaseUrl] = await Promise.all([
      postgres.createDatabase('chaos-orders', { template: TEMPLATES.orders }),
      postgres.createDatabase('chaos-dispatch', { template: TEMPLATES.dispatch }),
      rabbitmq.createVhost(vhost),
      createNamespace(temporal.address, namespace),
    ]);
    const direct = {
      temporalAddress: temporal.address,
      amqpUrl: vhostUrl(rabbitmq.url(), vhost),
      ordersDatabaseUrl,
      dispatchDatabaseUrl,
      postgresUrl: postgres.url(),
    };
    const members = await Promise.all(
      Object.entries(processes).flatMap(([kind, count]) =>
        Array.from({ length: count }, (_, index) =>
          openMember({
            name: `${kind}-${index + 1}`,
            kind: kind as ProcessName,
            services,
            direct,
            namespace,
            patience,
            environment: environmentOf(kind as ProcessName, index),
          }),
        ),
      ),
    );
    await Promise.all(members.map((member) => member.untilReady()));
    const access = { address: direct.temporalAddress, namespace, patience };
    // Before the first roll-out, workers have no version.
    let build = 0;
    const rollOut = async () => {
      const next = (build += 1);
      let isCurrent = false;
      for (const member of members) {
        await member.restart('SIGTERM', buildOf(next));
        await member.untilReady();
        if (isCurrent || member.kind !== 'worker') continue;
        await makeCurrent(access, next);
        isCurrent = true;
      }
    };
    let rolling: Promise<unknown> = Promise.resolve();
    return {
      services,
      namespace,
      vhost,
      direct,
      members,
      of: (kind) => members.filter((member) => member.kind === kind),
      patience,
      // One after the other: nobody releases a build in the middle of the one before.
      rollOut: () => {
        const rolled = rolling.then(rollOut);
        rolling = rolled.catch(() => {});
        return rolled;
      },
      end: async () => {
        await Promise.all(members.map((member) => member.end()));
        await services.stop();
      },
    };
  } catch (error) {
    await services.stop();
    throw error;
  }
}

/** What a process of a build is told of it; only workers listen. */
function buildOf(build: number) {
  return { TEMPORAL_WORKER_BUILD_ID: `build-${build}` };
}

/** Has the workers of a build get the orders, however often Temporal is away meanwhile. */
async function makeCurrent(
  { address, namespace, patience }: { address: string; namespace: string; patience: number },
  build: number,
): Promise<void> {
  const deadline = Date.now() + STUCK_AFTER_MS * patience;
  for (;;) {
    const connection = lazyConnection({ address });
    try {
      const temporal = new Client({ connection, namespace });
      const change = { deployment: WORKER_DEPLOYMENT, buildId: `build-${build}` };
      await setWorkerVersion({ temporal, namespace }, change);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    } finally {
      await connection.close();
    }
  }
}

async function openMember(given: {
  name: string;
  kind: ProcessName;
  services: TestServices;
  direct: Field['direct'];
  namespace: string;
  patience: number;
  environment: Readonly<Record<string, string>>;
}): Promise<Member> {
  const { name, kind, services, direct, namespace, patience, environment } = given;
  const [broker, database, temporal] = await Promise.all([
    startProxy(direct.amqpUrl),
    startProxy(direct.postgresUrl),
    startProxy(`tcp://${direct.temporalAddress}`),
  ]);
  const proxies = { broker, database, temporal };
  const byProxy = (url: string) => {
    const its = new URL(url);
    its.port = new URL(database.url).port;
    return its.href;
  };
  const apiPort = await freePort();
  const variables: Record<string, string> = {
    ...PROCESSES[kind].environment({
      temporalAddress: new URL(temporal.url).host,
      temporalNamespace: namespace,
      webUi: '',
      amqpUrl: broker.url,
      rabbitmqManagementUrl: services.rabbitmq.managementUrl,
      ordersDatabaseUrl: byProxy(direct.ordersDatabaseUrl),
      dispatchDatabaseUrl: byProxy(direct.dispatchDatabaseUrl),
    }),
    API_PORT: String(apiPort),
    SUPPLEMENT_GRACE_MS: String(GRACE_MS),
    DISPATCH_SYSTEM_DECIDE_MODULE: join(packageRoot(), 'dist', 'chaos', 'decide.js'),
    LOG_LEVEL: 'info',
    ...environment,
  };
  let starts = 0;
  let isEnded = false;
  let healthPort = 0;
  let running: ServerProcess | undefined;
  const start = async () => {
    starts += 1;
    // Another one each time: the one before may be somebody else's by now.
    healthPort = await freePort();
    running = await startServerProcess(services.scope, {
      name,
      command: process.execPath,
      args: [programOf(kind)],
      env: { ...variables, HEALTH_PORT: String(healthPort) },
      signal: 'SIGKILL',
      graceMs: 1_000,
    });
    const again = running.exited.then(async () => {
      // A dependency that is away at the start is no reason to stay away.
      await sleep(RESTART_AFTER_MS);
      if (!isEnded) await start();
    });
    // It fails where all servers are stopped meanwhile, which somebody else says why.
    again.catch(() => {});
  };
  await start();
  const isReady = () =>
    fetch(`http://127.0.0.1:${healthPort}/ready`, {
      signal: AbortSignal.timeout(2_000 * patience),
    }).then(
      ({ ok }) => ok,
      () => false,
    );
  return {
    name,
    kind,
    proxies,
    ...(kind === 'api' && { apiUrl: `http://127.0.0.1:${apiPort}` }),
    async restart(signal, changed) {
      Object.assign(variables, changed);
      // Told to end in order, it may finish what it is at.
      const stopped = running?.stop(signal, ENDS_WITHIN_MS * patience);
      await stopped?.catch(() => running?.stop('SIGKILL'));
    },
    signal: (signal) => {
      if (running) process.kill(running.pid, signal);
    },
    async untilReady() {
      const deadline = Date.now() + STUCK_AFTER_MS * patience;
      while (!(await isReady())) {
        if (Date.now() > deadline) {
          throw new Error(`${name} does not get ready, after ${starts} starts`);
        }
        await sleep(100);
      }
    },
    starts: () => starts,
    async end() {
      isEnded = true;
      await running?.stop('SIGKILL');
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    },
  };
}
