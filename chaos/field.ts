import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Ends it; its supervisor starts it again. */
  restart: (signal: NodeJS.Signals) => Promise<void>;
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
  end: () => Promise<void>;
}

/** Brings up servers of its own, and so many of each process of ours. */
export async function openField(options: {
  progress: Progress;
  signal: AbortSignal;
  processes: Readonly<Record<ProcessName, number>>;
  environment: Readonly<Record<string, string>>;
}): Promise<Field> {
  const { progress, signal, processes, environment } = options;
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
            environment,
          }),
        ),
      ),
    );
    await Promise.all(members.map((member) => untilReady(member)));
    return {
      services,
      namespace,
      vhost,
      direct,
      members,
      of: (kind) => members.filter((member) => member.kind === kind),
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
  const [healthPort, apiPort] = [await freePort(), await freePort()];
  const variables = {
    ...PROCESSES[kind].environment({
      temporalAddress: new URL(temporal.url).host,
      temporalNamespace: namespace,
      webUi: '',
      amqpUrl: broker.url,
      rabbitmqManagementUrl: services.rabbitmq.managementUrl,
      ordersDatabaseUrl: byProxy(direct.ordersDatabaseUrl),
      dispatchDatabaseUrl: byProxy(direct.dispatchDatabaseUrl),
    }),
    HEALTH_PORT: String(healthPort),
    API_PORT: String(apiPort),
    SUPPLEMENT_GRACE_MS: String(GRACE_MS),
    DISPATCH_SYSTEM_DECIDE_MODULE: join(packageRoot(), 'dist', 'chaos', 'decide.js'),
    LOG_LEVEL: 'info',
    ...environment,
  };
  let starts = 0;
  let isEnded = false;
  let running: ServerProcess | undefined;
  const start = async () => {
    starts += 1;
    running = await startServerProcess(services.scope, {
      name,
      command: process.execPath,
      args: [programOf(kind)],
      env: variables,
      signal: 'SIGKILL',
      graceMs: 1_000,
    });
    void running.exited.then(async () => {
      // A dependency that is away at the start is no reason to stay away.
      await sleep(RESTART_AFTER_MS);
      if (!isEnded) await start();
    });
  };
  await start();
  return {
    name,
    kind,
    proxies,
    ...(kind === 'api' && { apiUrl: `http://127.0.0.1:${apiPort}` }),
    async restart(signal) {
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
    if (Date.now() > deadline) throw new Error(`${member.name} does not get ready`);
    await sleep(100);
  }
}
