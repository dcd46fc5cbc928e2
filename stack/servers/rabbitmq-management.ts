import { basicAuthorization } from '../../messaging/broker-url';

/** What the stack and the tests ask of a broker's management API. */
export interface RabbitmqManagement {
  /** Creates a virtual host that the stack's user may do everything in. */
  createVhost: (name: string) => Promise<void>;
  /** Deletes a virtual host with all that is in it, and closes its connections. */
  deleteVhost: (name: string) => Promise<void>;
  /** Creates a user who may do everything in a virtual host, or gives that user another password. */
  createUser: (user: { name: string; password: string; vhost: string }) => Promise<void>;
  deleteUser: (name: string) => Promise<void>;
  /** The queues of a virtual host, with how many messages are in each, delivered or not. */
  queues: (vhost: string) => Promise<{ name: string; messages: number }[]>;
  /** Whether something listens on an AMQP port. */
  listensOn: (port: number) => Promise<boolean>;
}

/**
 * Speaks to the management API of a broker.
 *
 * @param managementUrl `http://user:password@host:port`
 */
export function rabbitmqManagement(managementUrl: string): RabbitmqManagement {
  const { origin, username } = new URL(managementUrl);
  const authorization = basicAuthorization(managementUrl);

  const request = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${origin}/api/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const expect = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const response = await request(method, path, body);
    if (response.ok || (method === 'DELETE' && response.status === 404)) return response;
    throw new Error(`RabbitMQ: ${method} ${path}: ${response.status} ${await response.text()}`);
  };

  const allow = async (vhost: string, user: string): Promise<void> => {
    const all = { configure: '.*', write: '.*', read: '.*' };
    await expect('PUT', `permissions/${encodeURIComponent(vhost)}/${user}`, all);
  };

  return {
    async createVhost(name) {
      await expect('PUT', `vhosts/${encodeURIComponent(name)}`);
      await allow(name, username);
    },
    async createUser({ name, password, vhost }) {
      await expect('PUT', `users/${name}`, { password, tags: '' });
      await allow(vhost, name);
    },
    async deleteUser(name) {
      await expect('DELETE', `users/${name}`);
    },
    async deleteVhost(name) {
      await expect('DELETE', `vhosts/${encodeURIComponent(name)}`);
    },
    async queues(vhost) {
      const response = await expect('GET', `queues/${encodeURIComponent(vhost)}`);
      const queues = (await response.json()) as { name: string; messages?: number }[];
      return queues.map(({ name, messages = 0 }) => ({ name, messages }));
    },
    async listensOn(port) {
      return (await request('GET', `health/checks/port-listener/${port}`)).ok;
    },
  };
}

/** The URL of another virtual host of the same broker. */
export function vhostUrl(amqpUrl: string, vhost: string): string {
  const url = new URL(amqpUrl);
  url.pathname = `/${encodeURIComponent(vhost)}`;
  return url.href;
}
