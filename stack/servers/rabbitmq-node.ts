import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isOpen } from './ports';
import type { RabbitmqInstallation } from './rabbitmq-installation';
import type { Rabbitmqctl } from './rabbitmqctl';
import type { Scope } from '../supervision/scope';
import { startServerProcess, type ServerProcess } from '../supervision/server-process';

/** A broker of a scope, installed or in a container. */
export interface RabbitmqNode {
  readonly pid: number;
  readonly name: string;
  /** Starts it and waits until `isReady`; after a `stop` or `kill`, with the same data and ports. */
  start(isReady: () => Promise<boolean>): Promise<void>;
  /** Shuts it down in order; the data stays. Takes seconds. */
  stop(): Promise<void>;
  /** Ends it as a crash would; the data stays. */
  kill(): Promise<void>;
  readonly rabbitmqctl: Rabbitmqctl;
}

/** Whom and where a broker serves. */
export interface RabbitmqAccess {
  user: string;
  password: string;
  amqpPort: number;
  managementPort: number;
}

/**
 * For every Erlang that the broker, its helpers and `rabbitmqctl` start: listen to other nodes on
 * the loopback only, and never start a port mapper, which would outlive the broker.
 */
const ERLANG_FLAGS = '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}';

/**
 * A private node of an installed RabbitMQ: with a name, a cookie, a port mapper (epmd), files and
 * ports of its own, so that it never meets the machine's broker.
 */
export async function installedRabbitmqNode(options: {
  scope: Scope;
  installation: RabbitmqInstallation & { kind: 'installed' };
  access: RabbitmqAccess;
}): Promise<RabbitmqNode> {
  const { scope, installation, access } = options;
  const home = join(scope.directory, 'rabbitmq');
  await mkdir(join(home, 'conf.d'), { recursive: true });
  const name = `order-dispatch-${scope.id}@localhost`;
  const [distributionPort, epmdPort] = [await freePort(), await freePort()];
  await writeFiles(home, scope.id, access);

  const env = {
    HOME: home,
    ERL_FLAGS: ERLANG_FLAGS,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    // With input "allowed" the start script replaces itself by the Erlang machine, so that the
    // process that we start is the one that we stop.
    RABBITMQ_ALLOW_INPUT: 'true',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    // Without work it waits for some: by default its schedulers spin, which takes others' processor time.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    // Each of these names a file of ours, so that nothing of the machine's own is read.
    RABBITMQ_CONF_ENV_FILE: join(home, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(home, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'advanced.config'),
  };
  // Started first: the broker does not start without one.
  const epmd = await startServerProcess(scope, {
    name: 'epmd',
    command: installation.epmd,
    args: ['-port', String(epmdPort), '-address', '127.0.0.1'],
    signal: 'SIGTERM',
    graceMs: 1000,
  });
  await epmd.untilReady(() => isOpen(epmdPort));

  let node: ServerProcess | undefined;
  return {
    name,
    get pid() {
      return node?.pid ?? 0;
    },
    async start(isReady) {
      node = await startServerProcess(scope, {
        name: 'rabbitmq',
        command: installation.server,
        args: [],
        env,
        // An orderly shutdown takes seconds, for data that goes away with the scope.
        signal: 'SIGKILL',
        graceMs: 5000,
      });
      await node.untilReady(isReady);
    },
    stop: async () => node?.stop('SIGTERM'),
    kill: async () => node?.stop('SIGKILL'),
    rabbitmqctl: { command: installation.rabbitmqctl, args: ['--quiet'], env },
  };
}

async function writeFiles(home: string, cookie: string, access: RabbitmqAccess): Promise<void> {
  const { user, password, amqpPort, managementPort } = access;
  const configuration = [
    `listeners.tcp.private = 127.0.0.1:${amqpPort}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${managementPort}`,
    `default_user = ${user}`,
    `default_pass = ${password}`,
    // The default, 50 MB, blocks publishers on a nearly full disk in the middle of a test.
    'disk_free_limit.absolute = 10MB',
  ];
  const write = (name: string, text: string, mode = 0o600) =>
    writeFile(join(home, name), text, { mode });
  await write('rabbitmq.conf', `${configuration.join('\n')}\n`);
  await write('rabbitmq-env.conf', '');
  await write('enabled_plugins', '[rabbitmq_management].\n');
  await write('.erlang.cookie', cookie, 0o400);
}
