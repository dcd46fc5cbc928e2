import pino from 'pino';
import { SupervisedConnection, type ConnectionOptions } from '../../messaging/connection';
import { inspectTopology } from '../../messaging/inspect-topology';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { rabbitmqManagement } from '../../stack/servers/rabbitmq-management';
import { startProxy, type Proxy } from '../../stack/servers/tcp-proxy';
import { createSurroundings, eventually, type Surroundings } from '../setup';

describe('a connection to the broker', () => {
  let surroundings: Surroundings;
  let proxy: Proxy;
  let connection: SupervisedConnection | undefined;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    proxy = await startProxy(surroundings.amqpUrl);
  });
  afterEach(async () => {
    proxy.release();
    await connection?.close();
    connection = undefined;
  });
  afterAll(async () => {
    await proxy.close();
    await surroundings.remove();
  });

  /** Opens a connection by way of the proxy; what it logs is written down. */
  const open = async (options: Pick<ConnectionOptions, 'setup'> & Partial<ConnectionOptions>) => {
    const said: string[] = [];
    const log = pino({}, { write: (line: string) => said.push(line) });
    connection = await SupervisedConnection.open({ url: proxy.url, name: 'test', log, ...options });
    return { connection, said };
  };
  const available = (of: SupervisedConnection) => of.whenAvailable(new AbortController().signal);

  test('comes back where the broker closes it together with the last reply that its setup waits for', async () => {
    let setups = 0;
    await open({
      setup: async (link) => {
        const [channel, other] = [await link.channel(), await link.channel()];
        setups += 1;
        if (setups > 1) return;
        proxy.hold();
        const lastReply = channel.prefetch(1);
        // For that the broker closes the connection.
        other.assertExchange('odd', 'no such type').catch(() => {});
        const isClosing = () => proxy.held().some((data) => data.includes('COMMAND_INVALID'));
        await eventually(isClosing, { what: 'the close' });
        proxy.release();
        await lastReply;
      },
    });
    expect(setups).toBe(2);
    expect(connection?.available).toBe(true);
  });

  test('on which the broker answers nothing is opened again, long before its heartbeats are missed', async () => {
    const { connection, said } = await open({
      setup: async (link) => {
        await link.channel();
      },
      watch: { intervalMs: 50, looks: 3 },
    });
    proxy.hold();
    await eventually(() => !connection.available, { what: 'the end of the connection' });
    expect(said.join('')).toContain('disconnected: the broker answers nothing');
    proxy.release();
    await available(connection);
  });

  test.each(['plain-1', 'grüße-1', 'пароль-1', 'sum:50%/€'])(
    'takes the password %s, and so does the doctor',
    async (password) => {
      const management = rabbitmqManagement(surroundings.stack.managementUrl);
      const name = `user-${Date.now()}`;
      await management.createUser({ name, password, vhost: surroundings.vhost });
      const url = new URL(surroundings.amqpUrl);
      url.username = name;
      url.password = encodeURIComponent(password);
      try {
        const publisher = await Publisher.open({
          url: url.href,
          name: 'test',
          log: silentLogger(),
        });
        await publisher.close();
        expect(await inspectTopology(url.href)).toMatchObject({ missing: [], refused: [] });
      } finally {
        await management.deleteUser(name);
      }
    },
  );
});
