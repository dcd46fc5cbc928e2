import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { ERROR_CODES, OrderDispatchClient } from '../../client';
import { openOrdersDatabase } from '../../database/orders/connection';
import { findOrder } from '../../database/orders/read-order';
import { BrokerUnavailable } from '../../domain/errors';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { startProxy } from '../../stack/servers/tcp-proxy';
import { createOrderDispatchWorker, type OrderDispatchWorkerOptions } from '../../worker';
import { patience } from '../patience';
import { eventually, newOrder, setup, type TestBed } from '../setup';

/** The code and the message of what is thrown. */
async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'none';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    expect(ERROR_CODES).toContain(code);
    return `${code}: ${message}`;
  }
}

/** An order service that waits for an order, and closes its client when it is told to. */
const WAITS = `
  const { OrderDispatchClient } = require('order-dispatch');
  (async () => {
    const { orderId, address, isWorker, ...options } = JSON.parse(process.argv[1]);
    const connect = () => require('@temporalio/worker').NativeConnection.connect({ address });
    const client = isWorker
      ? new OrderDispatchClient({ ...options, connection: await connect() })
      : await OrderDispatchClient.connect({ ...options, address });
    const order = client.getOrder(orderId);
    order.result().then(console.log, ({ code }) => console.log(code));
    await order.status();
    process.send('waits');
    process.on('message', async (isAway) => {
      // Once this call has failed, the other one waits for its next try.
      if (isAway) await order.status().catch(() => {});
      await client.close();
      process.send('closed', () => process.disconnect());
    });
  })();`;

const PERSON = { actor: 'mia', note: 'by phone' };
const CALLS: Record<string, (client: OrderDispatchClient) => Promise<unknown>> = {
  placeOrder: (client) => client.placeOrder(newOrder()),
  status: (client) => client.getOrder('o-1').status(),
  result: (client) => client.getOrder('o-1').result(),
  cancel: (client) => client.getOrder('o-1').cancel(PERSON),
  resolve: (client) => client.getOrder('o-1').resolve({ decision: 'retry', ...PERSON }),
  resolveTask: (client) =>
    client.resolveTask('reconcile-order/o-1', { decision: 'keep', ...PERSON }),
  reconcile: (client) => client.reconcile('o-1', { actor: 'mia' }),
  humanTasks: (client) => client.humanTasks().next(),
};

describe('every error has a code of ours and names what is wrong:', () => {
  let bed: TestBed;
  let connection: NativeConnection;
  let closed: OrderDispatchClient;
  let lost: OrderDispatchClient;
  let worker: OrderDispatchWorkerOptions;
  beforeAll(async () => {
    bed = await setup({ policy: { quickWindowMs: 0 } });
    const address = bed.stack.temporalAddress;
    connection = await NativeConnection.connect({ address });
    closed = await OrderDispatchClient.connect({ address, namespace: bed.namespace });
    await closed.close();
    lost = await OrderDispatchClient.connect({ address, namespace: 'nowhere' });
    worker = {
      connection,
      namespace: bed.namespace,
      amqpUrl: bed.amqpUrl,
      ordersDatabaseUrl: bed.ordersDatabaseUrl,
      log: silentLogger(),
    };
  });
  afterAll(async () => {
    await lost.close();
    await connection.close();
    await bed.close();
  });

  test.each(['no address', '', 'http://localhost:7233', 'localhost:99999'])(
    "the client's address '%s'",
    async (address) => {
      expect(await refusalOf(() => OrderDispatchClient.connect({ address }))).toMatch(
        /^InvalidConfiguration: OrderDispatchClient.connect.address: must be a host, or host:port/,
      );
    },
  );

  test("the client's address, where nobody answers", async () => {
    const connecting = { address: '127.0.0.1:1', callTimeoutMs: 500 };
    expect(await refusalOf(() => OrderDispatchClient.connect(connecting))).toMatch(
      /^DispatchUnavailable: .*address/,
    );
  });

  test.each([
    [{}, 'connection'],
    [undefined, 'connection'],
    [{ connection: { close: () => {} }, callTimeoutMs: 0 }, 'callTimeoutMs'],
  ])("the client's options %j", async (options, name) => {
    expect(await refusalOf(() => new OrderDispatchClient(options as never))).toMatch(
      new RegExp(`^InvalidConfiguration: OrderDispatchClient.*${name}`),
    );
  });

  test.each(Object.entries(CALLS))('%s in a namespace that there is not', async (_, call) => {
    expect(await refusalOf(() => call(lost))).toMatch(
      /^InvalidConfiguration: .*nowhere.*check the namespace/i,
    );
  });

  test.each(Object.entries(CALLS))('%s on a closed client', async (_, call) => {
    expect(await refusalOf(() => call(closed))).toMatch(/^ConnectionClosed: /);
  });

  test('an order whose workflow was terminated', async () => {
    const order = newOrder();
    bed.script(order.orderId, () => ({ kind: 'staySilent' }));
    const handle = await bed.client.placeOrder(order);
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(order.orderId)).terminate();
    expect(await refusalOf(() => handle.result())).toBe(
      `OrderUnsettled: the workflow of order ${order.orderId} was terminated: reconciling the order starts it again`,
    );
  });

  test.each([
    ['without amqpUrl', { amqpUrl: undefined }, 'createOrderDispatchWorker.amqpUrl: must be'],
    ['with another amqpUrl', { amqpUrl: 'http://a' }, 'createOrderDispatchWorker.amqpUrl: must be'],
    ['without a database', { ordersDatabaseUrl: undefined }, '.ordersDatabaseUrl: must be'],
    ['with another database', { ordersDatabaseUrl: 'mysql://a/b' }, '.ordersDatabaseUrl: must be'],
    ['without a connection', { connection: undefined }, '.connection: must be a NativeConnection'],
    ['in a namespace that there is not', { namespace: 'nowhere' }, 'nowhere'],
    ['without slots', { maximumWorkflowTasks: 0 }, '.maximumWorkflowTasks: '],
    ['without requests', { maximumRequests: 0 }, '.maximumRequests: '],
    ['without database connections', { maximumDatabaseConnections: 0 }, '.maximumDatabaseConn'],
  ])('a worker %s', async (_, wrong, why) => {
    const options = { ...worker, ...wrong } as OrderDispatchWorkerOptions;
    const refusal = await refusalOf(() => createOrderDispatchWorker(options));
    expect(refusal).toMatch(/^InvalidConfiguration: /);
    expect(refusal).toContain(why);
  });

  test.each([
    [
      'RabbitMQ',
      { amqpUrl: 'amqp://127.0.0.1:1/orders' },
      /^BrokerUnavailable: .*127.0.0.1:1, virtual host orders/,
    ],
    [
      'the database',
      { ordersDatabaseUrl: 'postgresql://127.0.0.1:1/orders' },
      /^DatabaseUnavailable: .*127.0.0.1:1\/orders/,
    ],
  ])('a worker without %s', async (_, away, why) => {
    expect(await refusalOf(() => createOrderDispatchWorker({ ...worker, ...away }))).toMatch(why);
  });

  test("a worker on a client's connection, or on one that is closed", async () => {
    const client = await Connection.connect({ address: bed.stack.temporalAddress });
    const other = { ...worker, connection: client as unknown as NativeConnection };
    expect(await refusalOf(() => createOrderDispatchWorker(other))).toMatch(
      /connection: must be a NativeConnection/,
    );
    await client.close();
    const ended = await NativeConnection.connect({ address: bed.stack.temporalAddress });
    await ended.close();
    expect(
      await refusalOf(() => createOrderDispatchWorker({ ...worker, connection: ended })),
    ).toMatch(/^ConnectionClosed: /);
  });

  test('a worker that cannot start, which leaves the connection free', async () => {
    // The bed's worker has these task queues on its own connection; the same on another one is fine.
    const second = await createOrderDispatchWorker(worker);
    expect(await refusalOf(() => createOrderDispatchWorker(worker))).toMatch(/^Unexpected: /);
    await second.close();
    const third = await createOrderDispatchWorker(worker);
    await third.close();
  });

  describe('what waits as its connection is closed, and nothing fails after it:', () => {
    /** The ID of an order that nobody answers. */
    const placeUnanswered = async (): Promise<string> => {
      const order = newOrder();
      bed.script(order.orderId, () => ({ kind: 'staySilent' }));
      await bed.client.placeOrder(order, { policy: { acknowledgementTimeoutMs: 3_600_000 } });
      return order.orderId;
    };

    test.each([
      ["on a client's connection, with Temporal gone before it", true, false],
      ["on a client's connection, with Temporal gone after it", false, false],
      ["on a worker's connection", false, true],
    ])('a result, %s', async (_, goesBefore, isWorker) => {
      const proxy = await startProxy(`tcp://${bed.stack.temporalAddress}`);
      const options = {
        address: new URL(proxy.url).host,
        namespace: bed.namespace,
        callTimeoutMs: patience(100),
        orderId: await placeUnanswered(),
        isWorker,
      };
      const child = spawn(process.execPath, ['-e', WAITS, '--', JSON.stringify(options)], {
        cwd: join(__dirname, '..', '..'),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (data: Buffer) => (output += data.toString()));
      }
      const ended = once(child, 'close') as Promise<[number | null]>;
      await Promise.race([once(child, 'message'), ended]);
      if (goesBefore) proxy.cut();
      child.send(goesBefore);
      await Promise.race([once(child, 'message'), ended]);
      proxy.cut();
      expect([(await ended)[0], output]).toEqual([0, 'ConnectionClosed\n']);
      await proxy.close();
    });

    test('a wait for the broker', async () => {
      const proxy = await startProxy(bed.amqpUrl);
      const log = silentLogger();
      const publisher = await Publisher.open({ url: proxy.url, name: 'to be closed', log });
      proxy.cut();
      await eventually(() => !publisher.available, { what: 'the end of the connection' });
      const failure = publisher
        .whenAvailable(new AbortController().signal)
        .catch((error: unknown) => error);
      await publisher.close();
      expect(await failure).toBeInstanceOf(BrokerUnavailable);
      await proxy.close();
    });

    test('a statement, which finds no pool that it could open anew', async () => {
      const database = openOrdersDatabase({ url: bed.ordersDatabaseUrl });
      await findOrder(database, 'o-1');
      await database.close();
      await expect(findOrder(database, 'o-1')).rejects.toMatchObject({ code: 'ConnectionClosed' });
    });
  });
});
