import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RabbitmqInstallation } from './rabbitmq-installation';
import type { RabbitmqAccess, RabbitmqNode } from './rabbitmq-node';
import type { Run } from './run';
import { startServerProcess, type ServerProcess } from './server-process';

/** RabbitMQ in a container, for a machine that has Docker and no RabbitMQ. */
export async function dockerRabbitmqNode(options: {
  run: Run;
  installation: RabbitmqInstallation & { kind: 'docker' };
  access: RabbitmqAccess;
}): Promise<RabbitmqNode> {
  const { run, installation, access } = options;
  const container = `order-dispatch-${run.id}`;
  const name = `rabbit@${container}`;
  const data = join(run.directory, 'rabbitmq');
  await mkdir(data);

  let client: ServerProcess | undefined;
  return {
    name,
    get pid() {
      return client?.pid ?? 0;
    },
    async start(isReady) {
      client = await startServerProcess(run, {
        name: 'rabbitmq',
        command: 'docker',
        args: [
          ...['run', '--rm', '--name', container],
          // The data's folder inside is named after the host, and must be found again.
          ...['--hostname', container, '--volume', `${data}:/var/lib/rabbitmq`],
          ...['--publish', `127.0.0.1:${access.amqpPort}:5672`],
          ...['--publish', `127.0.0.1:${access.managementPort}:15672`],
          ...['--env', `RABBITMQ_DEFAULT_USER=${access.user}`],
          ...['--env', `RABBITMQ_DEFAULT_PASS=${access.password}`],
          installation.image,
        ],
        // Docker's client passes it on to the container, which it could not do with SIGKILL.
        signal: 'SIGTERM',
        graceMs: 20_000,
      });
      // The image may have to be downloaded first.
      await client.untilReady(isReady, 300_000);
    },
    stop: async () => client?.stop('SIGTERM'),
    async kill() {
      await promisify(execFile)('docker', ['kill', container]);
      await client?.exited;
    },
    rabbitmqctl: {
      command: 'docker',
      args: ['exec', container, 'rabbitmqctl', '--quiet'],
      env: {},
    },
  };
}
