import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
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

/** How long a supervisor waits before it starts again what has died, in ms. */
const RESTART_AFTER_MS = 500;

/** How old a copy must be before its order is compared, in ms: short, as the run is. */
const GRACE_MS = 3_000;

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
  isReady: () => Promise<boolean>;
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
  /** Rolls the next build of all processes out, one after the other, and has its workers get the orders. */
  rollOut: () => Promise<void>;
  end: () => Promise<void>;
}

/** Brings up servers of its own, and so many of each process of ours. */
export async function openField(options: {
  progress: Progress;
  signal: AbortSignal;
  processes: Readonly<Record<ProcessName, number>>;
  /** Variables of the processes of a kind, counted from 0. */
  environmentOf?: (kind: ProcessName, index: number) => Readonly<Record<string, string>>;
}): Promise<Field> {
  const { progress, signal, processes, environmentOf = () => ({}) } = options;
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
            environment: environmentOf(kind as ProcessName, index),
          }),
        ),
      ),
    );
    await Promise.all(members.map((member) => untilReady(member)));
    const access = { address: direct.temporalAddress, namespace };
    // Before the first roll-out, workers have no version.
    let build = 0;
    const rollOut = async () => {
      const next = (build += 1);
      let isCurrent = false;
      for (const member of members) {
        await member.restart('SIGTERM', buildOf(next));
        await untilReady(member);
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
  { address, namespace }: { address: string; namespace: string },
  build: number,
): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const connection = Connection.lazy({ address });
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
  environment: Readonly<Record<string, string>>;
}): Promise<Member> {
  const { name, kind, services, direct, namespace, environment } = given;
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
  return {
    name,
    kind,
    proxies,
    ...(kind === 'api' && { apiUrl: `http://127.0.0.1:${apiPort}` }),
    async restart(signal, changed) {
      Object.assign(variables, changed);
      // Told to end in order, it may finish what it is at.
      await running?.stop(signal, 30_000).catch(() => running?.stop('SIGKILL'));
    },
    signal: (signal) => {
      if (running) process.kill(running.pid, signal);
    },
    isReady: () =>
      fetch(`http://127.0.0.1:${healthPort}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    starts: () => starts,
    async end() {
      isEnded = true;
      await running?.stop('SIGKILL');
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    },
  };
}

/** Waits until a process says that it is ready. @throws after two minutes. */
export async function untilReady(member: Member): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await member.isReady())) {
    if (Date.now() > deadline)
      throw new Error(`${member.name} does not get ready, after ${member.starts()} starts`);
    await sleep(100);
  }
}
