import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RabbitmqInstallation } from './rabbitmq-installation';
import type { RabbitmqAccess, RabbitmqNode } from './rabbitmq-node';
import type { Scope } from '../supervision/scope';
import { startServerProcess, type ServerProcess } from '../supervision/server-process';

/**
 * RabbitMQ in a container, for a machine that has Docker and no RabbitMQ.
 *
 * Written without a Docker daemon to try it on. test/rabbitmq-container.test.ts tries it wherever one
 * answers; until you have seen that test pass, take this path as untried.
 */
export function dockerRabbitmqNode(options: {
  scope: Scope;
  installation: RabbitmqInstallation & { kind: 'docker' };
  access: RabbitmqAccess;
}): RabbitmqNode {
  const { scope, installation, access } = options;
  const container = `order-dispatch-${scope.id}`.toLowerCase();
  const docker = (...args: string[]) => promisify(execFile)('docker', args);
  // The container stays when it is stopped, with its data, until the end of the scope.
  scope.undoWith(['docker', 'rm', '--force', '--volumes', container]);
  const create = [
    ...['run', '--name', container, '--hostname', container],
    ...['--publish', `127.0.0.1:${access.amqpPort}:5672`],
    ...['--publish', `127.0.0.1:${access.managementPort}:15672`],
    ...['--env', `RABBITMQ_DEFAULT_USER=${access.user}`],
    ...['--env', `RABBITMQ_DEFAULT_PASS=${access.password}`],
    installation.image,
  ];

  let client: ServerProcess | undefined;
  return {
    name: `rabbit@${container}`,
    get pid() {
      return client?.pid ?? 0;
    },
    async start(isReady) {
      client = await startServerProcess(scope, {
        name: 'rabbitmq',
        command: 'docker',
        args: client ? ['start', '--attach', container] : create,
        // Ends only Docker's client, which shows the container's log; the rest is undone.
        signal: 'SIGKILL',
        graceMs: 1000,
      });
      // The image may have to be downloaded first.
      await client.untilReady(isReady, 300_000);
    },
    async stop() {
      await docker('stop', '--time', '30', container);
      await client?.exited;
    },
    async kill() {
      await docker('kill', container);
      await client?.exited;
    },
    rabbitmqctl: {
      command: 'docker',
      args: ['exec', container, 'rabbitmqctl', '--quiet'],
      env: {},
    },
  };
}
