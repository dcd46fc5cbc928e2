import { connect, type Channel, type ChannelModel } from 'amqplib';
import { databaseFaultOf } from '../../database/fault';
import { applyMigrations, pendingMigrations } from '../../database/migrate';
import { PrismaClient } from '../../database/orders/generated/client';
import { postgresAdapter, type PoolOptions } from '../../database/postgres-adapter';
import { QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { MalformedMessage } from '../../domain/errors';
import type { Fault } from '../../domain/fault';
import type { IncomingMessage } from '../../messaging/incoming-message';
import { Publisher } from '../../messaging/publisher';
import { startConsumer, type StartConsumerOptions } from '../../messaging/start-consumer';
import { silentLogger } from '../../runtime/logger';
import { databaseUrl, dropDatabase } from '../../stack/servers/databases';
import { query } from '../../stack/servers/query';
import { startProxy, type Proxy } from '../../stack/servers/tcp-proxy';
import { patience } from '../patience';
import { createSurroundings, eventually, type Surroundings } from '../setup';

let surroundings: Surroundings;
beforeAll(async () => {
  surroundings = await createSurroundings();
});
afterAll(() => surroundings.remove());

/** What a piece of work fails with, on a pool of its own. */
async function failureOf(
  options: Partial<PoolOptions>,
  work: (prisma: PrismaClient) => Promise<unknown>,
): Promise<unknown> {
  const adapter = postgresAdapter({ url: surroundings.ordersDatabaseUrl, ...options });
  const prisma = new PrismaClient({ adapter });
  try {
    await work(prisma);
  } catch (error) {
    return error;
  } finally {
    await prisma.$disconnect();
  }
  throw new Error('it did not fail');
}

const urlWith = (change: (url: URL) => void) => {
  const url = new URL(surroundings.ordersDatabaseUrl);
  change(url);
  return url.href;
};

describe('whose fault a failure of the database is', () => {
  const statement = (sql: string) => (prisma: PrismaClient) => prisma.$executeRawUnsafe(sql);
  const inTransaction =
    (...statements: string[]) =>
    (prisma: PrismaClient) =>
      prisma.$transaction(async (transaction) => {
        for (const sql of statements) await transaction.$executeRawUnsafe(sql);
      });

  test.each<[string, Fault, (prisma: PrismaClient) => Promise<unknown>]>([
    ['a value that is no number (22P02)', 'message', statement(`SELECT 'x'::int`)],
    [
      'a constraint (23514)',
      'message',
      statement(
        `INSERT INTO orders (order_id, content_hash, "order", policy, status, dispatch_by)
         VALUES ('o', 'h', '{}', '{}', 'nonsense', now())`,
      ),
    ],
    [
      'a demoted primary (25006)',
      'infrastructure',
      inTransaction('SET TRANSACTION READ ONLY', 'DELETE FROM orders'),
    ],
    [
      'a statement that takes too long (57014)',
      'infrastructure',
      inTransaction(`SET LOCAL statement_timeout = '10ms'`, 'SELECT pg_sleep(5)'),
    ],
    [
      'a lock that is not to be had (55P03)',
      'infrastructure',
      statement(`DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$`),
    ],
    ['a missing table (42P01)', 'infrastructure', statement('SELECT * FROM no_such_table')],
    [
      'a missing right (42501)',
      'infrastructure',
      inTransaction('SET LOCAL ROLE pg_monitor', 'DELETE FROM orders'),
    ],
    ['an error that is listed nowhere (42601)', 'unclear', statement('SELEKT 1')],
    [
      'an exception of a trigger (P0001)',
      'unclear',
      statement(`DO $$ BEGIN RAISE EXCEPTION 'no'; END $$`),
    ],
  ])('%s: %s', async (_what, fault, work) => {
    expect(databaseFaultOf(await failureOf({}, work))).toBe(fault);
  });

  test.each<[string, (url: URL) => void]>([
    ['nobody listens', (url) => (url.port = '1')],
    ['no such host', (url) => (url.hostname = 'no-such-host.invalid')],
    ['no such database (3D000)', (url) => (url.pathname = '/no-such-database')],
    ['no such user (28000)', (url) => (url.username = 'nobody-we-know')],
  ])('%s: infrastructure', async (_what, change) => {
    const failure = await failureOf({ url: urlWith(change) }, statement('SELECT 1'));
    expect(databaseFaultOf(failure)).toBe('infrastructure');
  });

  test.each(['EHOSTUNREACH', 'ENETUNREACH', 'EACCES'])('%s: infrastructure', (code) => {
    const error = Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' });
    expect(databaseFaultOf(new Error('wrapped', { cause: error }))).toBe('infrastructure');
  });

  test('what comes from our own code: nobody of the database', () => {
    expect(databaseFaultOf(new MalformedMessage('no'))).toBeUndefined();
    expect(databaseFaultOf(new TypeError('undefined is not a function'))).toBeUndefined();
  });
});

describe('a database that says nothing any more', () => {
  let proxy: Proxy;
  beforeAll(async () => {
    proxy = await startProxy(surroundings.ordersDatabaseUrl);
  });
  afterAll(() => proxy.close());
  const open = () => {
    const adapter = postgresAdapter({
      url: proxy.url,
      statementTimeoutMs: patience(25),
      maximumConnections: 1,
    });
    return new PrismaClient({ adapter });
  };

  test('a statement ends with the fault of the infrastructure, and the next one goes on', async () => {
    const prisma = open();
    await prisma.$executeRaw`SELECT 1`;
    proxy.hold();
    const failure = await prisma.$executeRaw`SELECT 1`.then(
      () => undefined,
      (error: unknown) => error,
    );
    proxy.release();
    expect(databaseFaultOf(failure)).toBe('infrastructure');
    await expect(prisma.$executeRaw`SELECT 1`).resolves.toBe(1);
    await prisma.$disconnect();
  });

  test('a transaction that is given up leaves nothing open: what is written next is there', async () => {
    const prisma = open();
    const failure = await prisma
      .$transaction(async (transaction) => {
        await transaction.$executeRaw`SELECT 1`;
        proxy.hold();
        await transaction.$executeRaw`SELECT 1`;
      })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    proxy.release();
    expect(databaseFaultOf(failure)).toBe('infrastructure');
    await prisma.$executeRaw`INSERT INTO holds (held_by, note, ended_at) VALUES ('mia', '', now())`;
    const { ordersDatabaseUrl } = surroundings;
    expect(await query(ordersDatabaseUrl, 'SELECT held_by FROM holds')).toEqual([
      { held_by: 'mia' },
    ]);
    await prisma.$disconnect();
  });
});

describe('a connection that cannot serve any more', () => {
  const holds = async () =>
    query<{ by: string }>(surroundings.ordersDatabaseUrl, 'SELECT held_by AS by FROM holds');
  const hold = (by: string) =>
    `INSERT INTO holds (held_by, note, ended_at) VALUES ('${by}', '', now())`;
  /** With one connection, so that it is that which is used again. */
  const open = () => {
    const { ordersDatabaseUrl: url } = surroundings;
    return new PrismaClient({ adapter: postgresAdapter({ url, maximumConnections: 1 }) });
  };

  test('is not used again when its server is not the primary any more, also of a transaction', async () => {
    const { ordersDatabaseUrl, stack } = surroundings;
    const name = new URL(ordersDatabaseUrl).pathname.slice(1);
    const demote = (isDemoted: boolean) =>
      query(
        stack.postgresUrl,
        `ALTER DATABASE "${name}" SET default_transaction_read_only = ${isDemoted}`,
      );
    const prisma = open();
    const write = () =>
      prisma.$transaction((transaction) => transaction.$executeRawUnsafe(hold('a writer')));
    await demote(true);
    await expect(write()).rejects.toThrow(/read-only/);
    await demote(false);
    await expect(write()).resolves.toBe(1);
    await prisma.$disconnect();
  });

  test('is not used again when its transaction was not ended', async () => {
    const prisma = open();
    await prisma.$executeRawUnsafe('BEGIN');
    await prisma.$executeRawUnsafe(hold('a careful writer'));
    expect(await holds()).toContainEqual({ by: 'a careful writer' });
    await prisma.$disconnect();
  });

  test('has its transaction ended by the server, and is noticed by it when its host vanishes', async () => {
    const prisma = open();
    const [row] = await prisma.$queryRaw<unknown[]>`
      SELECT current_setting('idle_in_transaction_session_timeout') AS idle,
        current_setting('tcp_keepalives_idle') AS keepalive`;
    expect(row).toEqual({ idle: '1min', keepalive: '30' });
    await prisma.$disconnect();
  });
});

test('a database whose encoding cannot store every order is refused, and how to mend it is said', async () => {
  const { postgresUrl } = surroundings.stack;
  const name = `${surroundings.namespace}-latin1`;
  await query(
    postgresUrl,
    `CREATE DATABASE "${name}" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0`,
  );
  const url = databaseUrl(postgresUrl, name);
  const refusal =
    /the order database at .* has the encoding LATIN1.*: create it anew, by CREATE DATABASE/;
  try {
    for (const look of [applyMigrations, pendingMigrations]) {
      await expect(look({ url, schema: 'orders' })).rejects.toThrow(refusal);
    }
  } finally {
    await dropDatabase(postgresUrl, name);
  }
});

describe('a consumer whose handler fails, and nobody knows why', () => {
  const QUEUE = QUEUES.supplementRequests;
  let connection: ChannelModel;
  let channel: Channel;
  let publisher: Publisher;
  beforeAll(async () => {
    const { amqpUrl: url } = surroundings;
    publisher = await Publisher.open({ url, name: 'test', log: silentLogger() });
    connection = await connect(url);
    channel = await connection.createChannel();
  });
  afterAll(async () => {
    await publisher.close();
    await connection.close();
  });

  const unclear = new Error('who knows');
  const start = (
    handle: (messageId: string, message: IncomingMessage) => void,
    options: Partial<StartConsumerOptions> = {},
  ) =>
    startConsumer({
      url: surroundings.amqpUrl,
      name: 'test consume',
      queues: [QUEUE],
      prefetch: 20,
      log: silentLogger(),
      publisher,
      faultOf: (error) => (error === unclear ? 'unclear' : 'message'),
      pauses: { initialMs: 5, maximumMs: 20 },
      handle: (message) => Promise.resolve(message).then((it) => handle(it.messageId, it)),
      ...options,
    });
  const publish = (messageId: string) =>
    publisher.publish({
      exchange: '',
      routingKey: QUEUE,
      type: 'test',
      messageId,
      appId: 'test',
      headers: {},
      content: Buffer.from('{}'),
    });

  test('holds all messages for as long as none gets through, and gives none up', async () => {
    let failures = 0;
    const handled = new Set<string>();
    const consumer = await start((messageId) => {
      // Five failures of its own would be a message's last.
      if (failures < 40) {
        failures += 1;
        throw unclear;
      }
      handled.add(messageId);
    });
    await Promise.all(['a', 'b', 'c'].map(publish));
    await eventually(() => handled.size === 3, { what: 'all messages' });
    expect(failures).toBe(40);
    await consumer.close();
    expect((await channel.checkQueue(deadLetterQueueOf(QUEUE))).messageCount).toBe(0);
  });

  test('gives up the one that fails again and again while others get through', async () => {
    let handled = 0;
    const consumer = await start((messageId) => {
      if (messageId === 'poison') throw unclear;
      handled += 1;
    });
    await publish('poison');
    const dead = await eventually(
      async () => {
        await publish(`other-${handled}`);
        return channel.get(deadLetterQueueOf(QUEUE), { noAck: true });
      },
      { what: 'the dead letter' },
    );
    expect(dead.properties).toMatchObject({ messageId: 'poison', headers: { attempts: 5 } });
    expect(handled).toBeGreaterThan(0);
    await consumer.close();
    expect((await channel.checkQueue(QUEUE)).messageCount).toBe(0);
  });

  test('puts back what it holds for long, unchanged, so that the broker never takes it back and counts a delivery', async () => {
    const deliveries: IncomingMessage[] = [];
    let isOver = false;
    const handled: IncomingMessage[] = [];
    const consumer = await start(
      (_messageId, message) => {
        if (!deliveries.includes(message)) deliveries.push(message);
        if (!isOver) throw new Error('the database is away');
        handled.push(message);
      },
      { faultOf: () => 'infrastructure', holdMaxMs: 100 },
    );
    await publisher.publish({
      exchange: '',
      routingKey: QUEUE,
      type: 'test',
      messageId: 'held',
      correlationId: 'request-1',
      replyTo: 'home',
      appId: 'test',
      headers: { traceparent: '00-a-b-01' },
      timestamp: 1_700_000_000_000,
      content: Buffer.from('{"as":"it is"}'),
    });
    await eventually(() => deliveries.length >= 4, { what: 'deliveries of one message' });
    isOver = true;
    await eventually(() => handled.length > 0, { what: 'the end of the outage' });
    await consumer.close();
    // Of one that came back by the broker's doing it would say so.
    expect(deliveries.map(({ headers }) => headers)).toEqual(
      deliveries.map(() => ({ traceparent: '00-a-b-01' })),
    );
    expect(handled).toEqual([deliveries[0]]);
    expect((await channel.checkQueue(QUEUE)).messageCount).toBe(0);
    expect((await channel.checkQueue(deadLetterQueueOf(QUEUE))).messageCount).toBe(0);
  });
});
