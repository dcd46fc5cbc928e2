import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client as Postgres } from 'pg';
import { OrderDispatchClient } from '../../client';
import { contentHash } from '../../domain/content-hash';
import type { Order } from '../../domain/order';
import { dispatchRequestMessage } from '../../messaging/messages';
import { Publisher } from '../../messaging/publisher';
import { silentLogger } from '../../runtime/logger';
import { createDatabase, dropDatabase } from '../../stack/servers/databases';
import { startProcess, type TestProcess } from '../processes';
import { createSurroundings, eventually, newOrder, type Surroundings } from '../setup';

const EXAMPLE = join(__dirname, '..', '..', 'docs', 'examples', 'dispatch_system.py');

/** A Python that has what the example needs. (The distribution's packages are the distribution's.) */
const python = ['python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import pika, psycopg2']).status === 0,
);

/** Skipped where there is no such Python: the service itself needs none. */
(python === undefined ? describe.skip : describe)('the dispatch system in Python', () => {
  let surroundings: Surroundings;
  let processes: TestProcess[];
  let client: OrderDispatchClient;
  let publisher: Publisher;
  let orders: Postgres;
  let dispatches: Postgres;
  let example: ChildProcess;

  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { stack, namespace, amqpUrl, ordersDatabaseUrl } = surroundings;
    // An empty database: the example makes tables of its own.
    const dispatchDatabaseUrl = await createDatabase(stack.postgresUrl, `${namespace}-python`);
    dispatches = await open(dispatchDatabaseUrl);
    orders = await open(ordersDatabaseUrl);
    publisher = await Publisher.open({ url: amqpUrl, name: 'test', log: silentLogger() });
    example = await startExample(dispatchDatabaseUrl);
    const environment = { DISPATCH_DATABASE_URL: dispatchDatabaseUrl, SUPPLEMENT_GRACE_MS: '500' };
    processes = [
      startProcess('worker', surroundings),
      startProcess('supplement', surroundings, environment),
    ];
    await Promise.all(processes.map(({ ready }) => ready));
    client = await OrderDispatchClient.connect({ address: stack.temporalAddress, namespace });
  });
  afterAll(async () => {
    await client.close();
    for (const { kill, exited } of processes) {
      kill('SIGTERM');
      await exited;
    }
    await stopExample();
    await Promise.all([publisher.close(), orders.end(), dispatches.end()]);
    await dropDatabase(surroundings.stack.postgresUrl, `${surroundings.namespace}-python`);
    await surroundings.remove();
  });

  const open = async (connectionString: string) => {
    const database = new Postgres({ connectionString });
    await database.connect();
    return database;
  };
  const startExample = async (dispatchDatabaseUrl: string) => {
    const child = spawn(python ?? '', [EXAMPLE], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { AMQP_URL: surroundings.amqpUrl, DISPATCH_DATABASE_URL: dispatchDatabaseUrl },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => (said += text.toString()));
    }
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the example ended: ${said}`);
      return said.includes('ready');
    });
    return child;
  };
  const stopExample = async () => {
    const exited = once(example, 'exit');
    example.kill('SIGKILL');
    await exited;
  };
  const place = async (order: Order) => (await client.placeOrder(order)).result();
  const views = async ({ orderId }: Order) => {
    const { rows } = await dispatches.query<{ courier_id: string; status: string }>(
      'SELECT * FROM order_dispatch_dispatches_v1 WHERE order_id = $1',
      [orderId],
    );
    return rows.map(({ courier_id, status }) => `${courier_id} ${status}`);
  };

  test('an order is dispatched, and withdrawn when it is cancelled', async () => {
    const order = newOrder();
    expect(await place(order)).toMatchObject({ status: 'dispatched', courierId: 'bike-r-3' });
    expect(await views(order)).toEqual(['bike-r-3 live']);
    const by = { actor: 'ana', note: 'ordered twice' };
    expect(await client.getOrder(order.orderId).cancel(by)).toMatchObject({ status: 'cancelled' });
    expect(await views(order)).toEqual(['bike-r-3 withdrawn']);
  });

  test('the comparison of the databases finds what its view says', async () => {
    const order = newOrder();
    await place(order);
    const { rule } = await client.reconcile(order.orderId, { actor: 'ana' });
    expect(rule).toBe('the courier of the acknowledgement is on the way');
    await orders.query('DELETE FROM orders WHERE order_id = $1', [order.orderId]);
    await publisher.publish(requestOf(order));
    await eventually(async () => {
      const { rows } = await orders.query<{ status: string }>(
        'SELECT status FROM orders WHERE order_id = $1',
        [order.orderId],
      );
      return rows[0]?.status === 'dispatched';
    });
    expect(await views(order)).toEqual(['bike-r-3 live']);
  });

  test('a repeat gets the answer of the first, and sends no second courier', async () => {
    const order = newOrder();
    await place(order);
    await publisher.publish(requestOf(order));
    await eventually(async () => {
      const { rows } = await orders.query<{ class: string }>(
        'SELECT class FROM acknowledgements WHERE order_id = $1 ORDER BY id',
        [order.orderId],
      );
      return rows.map((row) => row.class).join() === 'first,duplicate';
    });
    expect(await views(order)).toEqual(['bike-r-3 live']);
  });

  test('a request past its time is rejected as expired', async () => {
    const order = newOrder();
    await publisher.publish(requestOf(order, new Date(Date.now() - 1_000)));
    const answer = await eventually(async () => {
      const { rows } = await dispatches.query<{ answer: object }>(
        'SELECT answer FROM stored_answers WHERE order_id = $1',
        [order.orderId],
      );
      return rows[0]?.answer;
    });
    expect(answer).toMatchObject({ outcome: 'rejected', rejectionCode: 'expired' });
  });

  test('a malformed message is a dead letter with its reason', async () => {
    const order = newOrder();
    const { orderId } = order;
    const message = requestOf(order);
    await publisher.publish({ ...message, content: Buffer.from(JSON.stringify({ orderId })) });
    const reason = await eventually(async () => {
      const { rows } = await orders.query<{ dead_letter_reason: string }>(
        "SELECT dead_letter_reason FROM dead_letters WHERE order_id = $1 AND source_queue = 'dispatch.requests'",
        [orderId],
      );
      return rows[0]?.dead_letter_reason;
    });
    expect(reason).toBe('MalformedMessage: missing: requestId, dispatchBy, order');
  });

  test('a database that closes its connections, and a killed process, lose nothing', async () => {
    await dispatches.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    expect(await place(newOrder())).toMatchObject({ status: 'dispatched' });
    await stopExample();
    const waiting = await client.placeOrder(newOrder());
    const { rows } = await dispatches.query<{ name: string }>('SELECT current_database() AS name');
    const url = new URL(surroundings.dispatchDatabaseUrl);
    url.pathname = `/${rows[0]?.name}`;
    example = await startExample(url.href);
    expect(await waiting.result()).toMatchObject({ status: 'dispatched' });
  });
});

function requestOf(order: Order, dispatchBy = new Date(Date.now() + 60_000)) {
  const { orderId } = order;
  return dispatchRequestMessage(
    {
      requestId: `${orderId}.1`,
      orderId,
      dispatchBy: dispatchBy.toISOString(),
      contentHash: contentHash(order),
      order,
    },
    undefined,
  );
}
