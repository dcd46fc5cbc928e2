import { randomBytes } from 'node:crypto';
import { freePort } from './ports';
import { dockerRabbitmqNode } from './rabbitmq-container';
import type { RabbitmqInstallation } from './rabbitmq-installation';
import { type RabbitmqManagement, rabbitmqManagement, vhostUrl } from './rabbitmq-management';
import { installedRabbitmqNode, type RabbitmqNode } from './rabbitmq-node';
import type { Scope } from '../supervision/scope';

/** A private RabbitMQ broker. */
export interface Rabbitmq
  extends Omit<RabbitmqNode, 'start'>, Omit<RabbitmqManagement, 'listensOn'> {
  /** The AMQP URL of a virtual host; of the default one, `/`, without a name. */
  url(vhost?: string): string;
  /** With credentials. */
  readonly managementUrl: string;
  /** Starts it again with the same data on the same ports, and waits until it serves. */
  start(): Promise<void>;
}

/** Starts a private broker on 127.0.0.1 and free ports, with a management API. */
export async function startRabbitmq(options: {
  scope: Scope;
  installation: RabbitmqInstallation;
}): Promise<Rabbitmq> {
  const { scope, installation } = options;
  const access = {
    user: 'order-dispatch',
    password: randomBytes(18).toString('base64url'),
    amqpPort: await freePort(),
    managementPort: await freePort(),
  };
  const credentials = `${access.user}:${access.password}`;
  const managementUrl = `http://${credentials}@127.0.0.1:${access.managementPort}`;
  const amqpUrl = `amqp://${credentials}@127.0.0.1:${access.amqpPort}/%2F`;
  const node =
    installation.kind === 'docker'
      ? dockerRabbitmqNode({ scope, installation, access })
      : await installedRabbitmqNode({ scope, installation, access });
  const { listensOn, ...management } = rabbitmqManagement(managementUrl);
  // The broker in a container knows its port only by the number that it has inside.
  const listener = installation.kind === 'docker' ? 5672 : access.amqpPort;
  const start = () => node.start(() => listensOn(listener));
  await start();

  return {
    ...management,
    managementUrl,
    url: (vhost = '/') => vhostUrl(amqpUrl, vhost),
    name: node.name,
    get pid() {
      return node.pid;
    },
    start,
    stop: () => node.stop(),
    kill: () => node.kill(),
    rabbitmqctl: node.rabbitmqctl,
  };
}
