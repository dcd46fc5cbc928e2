import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as Temporal, Connection, type DataConverter } from '@temporalio/client';
import { connect, type ChannelModel } from 'amqplib';
import { OrderDispatchClient, type Order, type OrderHandle, type PolicyOverrides } from '../client';
import { APP_IDS, QUEUES } from '../domain/amqp-names';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import { ACKNOWLEDGEMENT_TYPE } from '../domain/messages/acknowledgement';
import { DISPATCH_REQUEST_TYPE } from '../domain/messages/dispatch-request';
import { DEFAULT_POLICY } from '../domain/policy';
import { ROLES, type Role } from '../domain/role';
import {
  SCHEDULES,
  SIGNALS,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  dispatchOrderWorkflowId,
} from '../domain/temporal-names';
import { Publisher } from '../messaging/publisher';
import { makeToken } from '../operations/api-tokens';
import { silentLogger } from '../runtime/logger';
import { rabbitmqctl } from '../stack/servers/rabbitmqctl';
import { loadDataConverter } from '../temporal/codec-module';
import { ensureSchedules } from '../temporal/schedules';
import { patience } from './patience';
import { startProcess, type TestProcess } from './processes';
import { openDispatchRows, openOrdersRows, type DispatchRows, type OrdersRows } from './rows';
import { createFolder } from './run-cli';
import { createSurroundings, eventually, newOrder, openTask, type Surroundings } from './setup';

/** What an order meets; its ID begins with it, and says so to the dispatch system. */
const PATHS = [
  'quick',
  'durable',
  'byApi',
  'rejected',
  'retryLater',
  'silent',
  'inBulk',
  'cancelled',
  'tooLate',
  'undecidable',
  'repaired',
  'crashed',
  'refusedRow',
  'refusedAnswer',
] as const;

/** One of {@link PATHS}. */
type Path = (typeof PATHS)[number];

/** A message as the broker's tracing saw it published. */
interface TracedMessage {
  exchange: string;
  /** All but the body, as text. */
  properties: string;
  body: string;
}

/** What the API answered. */
interface ApiAnswer {
  status: number;
  text: string;
}

/** A process that ran, and what is known of it. */
interface Ran {
  name: string;
  process: TestProcess;
}

/** All paths walked, and everything up still, to be looked at. */
export interface CanaryWalk {
  canary: string;
  surroundings: Surroundings;
  /** With the codec, where there is one. */
  temporal: Temporal;
  orders: OrdersRows;
  dispatches: DispatchRows;
  /** Orders by the path that they took. */
  placed: ReadonlyMap<Path, readonly Order[]>;
  /** Also that which was killed. */
  processes: readonly Ran[];
  running: readonly Ran[];
  /** Of all that was published. */
  messages: readonly TracedMessage[];
  /** What tasks said of themselves while they were open. */
  currentDetails: readonly string[];
  /** What callers of the SDK were told. */
  errors: readonly string[];
  /** What `service` was answered as it placed orders, good and bad. */
  answersToService: readonly ApiAnswer[];
  ask: (role: Role, method: 'GET' | 'POST', path: string, body?: object) => Promise<ApiAnswer>;
  close: () => Promise<void>;
}

/** Payloads are not readable with it. */
const CODEC_MODULE = `
  const flip = (bytes) => Buffer.from(bytes).map((byte) => byte ^ 0x5a);
  exports.payloadCodecs = [{
    encode: async (payloads) => payloads.map(({ metadata, data }) => ({
      metadata: { encoding: Buffer.from('binary/flipped') },
      data: flip(Buffer.from(JSON.stringify({
        encoding: Buffer.from(metadata.encoding).toString(),
        data: Buffer.from(data ?? []).toString('base64'),
      }))),
    })),
    decode: async (payloads) => payloads.map((payload) => {
      if (Buffer.from(payload.metadata?.encoding ?? []).toString() !== 'binary/flipped') return payload;
      const { encoding, data } = JSON.parse(flip(payload.data).toString());
      return { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data, 'base64') };
    }),
  }];`;

/** A dispatch system that speaks about customers wherever it can, and fails over them. */
const DECIDE_MODULE = `
  exports.decide = ({ kind, request, withdrawal }) => {
    const [path] = (request ?? withdrawal).orderId.split('-');
    if (kind === 'withdrawal') return { kind: path === 'tooLate' ? 'refuseWithdrawal' : 'withdraw' };
    const { customerId, deliveryAddress } = request.order;
    const detail = 'nobody rides to ' + customerId + ' at ' + deliveryAddress.line;
    switch (path) {
      case 'rejected': return { kind: 'reject', rejectionCode: 'outOfZone', detail };
      case 'refusedAnswer': return { kind: 'reject', rejectionCode: 'other', detail };
      case 'retryLater':
        if (request.requestId.endsWith('.1')) {
          return { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 100, detail };
        }
        break;
      case 'silent': case 'inBulk': return { kind: 'staySilent' };
      case 'undecidable': throw new TypeError(detail, { cause: new Error(detail) });
    }
    return { kind: 'accept', courierId: 'courier-1' };
  };`;

/** So impatient that nobody waits long for a task. */
const IMPATIENT: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 300,
  maximumAttempts: 2,
  initialIntervalMs: 50,
};

/** How an order of each path is tried; else by the worker's own policy. */
const POLICIES: Partial<Record<Path, PolicyOverrides>> = {
  durable: { quickWindowMs: 0 },
  silent: IMPATIENT,
  inBulk: IMPATIENT,
  undecidable: { ...IMPATIENT, acknowledgementTimeoutMs: 3_600_000 },
  refusedAnswer: { ...IMPATIENT, acknowledgementTimeoutMs: 2_000 },
  crashed: {
    ...{ acknowledgementTimeoutMs: 2_000, initialIntervalMs: 100 },
    ...{ maximumIntervalMs: 1_000, maximumAttempts: 1_000 },
  },
};

/**
 * Places orders that have a secret in each personal field, has them meet all that an order can meet,
 * in the processes as they run in production, with people who write the secret in every note.
 *
 * @param options.orders how many, in equal parts for each path.
 * @param options.codec whether payloads are encoded.
 */
export async function walkWithCanary(options: {
  orders: number;
  codec: boolean;
}): Promise<CanaryWalk> {
  const canary = `canary-${randomBytes(6).toString('hex')}`;
  const surroundings = await createSurroundings();
  const folder = await createFolder();
  const inFolder = async (name: string, text: string) => {
    const file = join(folder.path, name);
    await writeFile(file, text);
    return file;
  };
  const codecModule = options.codec ? await inFolder('codec.cjs', CODEC_MODULE) : undefined;
  const dataConverter = codecModule === undefined ? undefined : loadDataConverter(codecModule);
  const tokens = await makeTokens();
  const processes: Ran[] = [];
  const decideModule = await inFolder('decide.cjs', DECIDE_MODULE);
  const tokensFile = await inFolder('tokens.json', JSON.stringify(tokens.entries));
  const start = async (name: Parameters<typeof startProcess>[0]) => {
    const process = startProcess(name, surroundings, {
      ...defined({ ORDER_DISPATCH_CODEC_MODULE: codecModule }),
      DISPATCH_SYSTEM_DECIDE_MODULE: decideModule,
      SUPPLEMENT_GRACE_MS: '500',
      API_AUTH: 'tokens',
      API_TOKENS_FILE: tokensFile,
      API_PORT: '0',
      HEALTH_PORT: '0',
      LOG_LEVEL: 'trace',
    });
    processes.push({ name, process });
    await process.ready;
    return process;
  };
  const opened = await openWitnesses(surroundings, dataConverter);
  const close = async () => {
    for (const { process } of processes) process.kill('SIGKILL');
    await Promise.all(processes.map(({ process }) => process.exited));
    await opened.closeAll();
    await folder.remove();
    await surroundings.remove();
  };
  try {
    const [worker, api] = await Promise.all(
      (['worker', 'api', 'dispatch-system'] as const).map(start),
    );
    const walker = new Walker({
      ...{ canary, surroundings, tokens: tokens.tokens },
      apiUrl: /"url":"([^"]+)"/.exec(api?.output() ?? '')?.[1] ?? '',
      ...opened,
    });
    const each = Math.max(1, Math.round(options.orders / PATHS.length));
    await walker.crash(each, async () => {
      worker?.kill('SIGKILL');
      await worker?.exited;
      await start('worker');
    });
    await walker.takeRows(each);
    // By now, the copies of the orders whose rows are gone wait for it.
    await start('supplement');
    await walker.walk(each);
    return {
      canary,
      surroundings,
      processes,
      running: processes.filter(({ process }) => process !== worker),
      ...opened,
      placed: walker.placed,
      currentDetails: walker.currentDetails,
      errors: walker.errors,
      answersToService: walker.answersToService,
      ask: (...asked) => walker.ask(...asked),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeTokens() {
  const made = await Promise.all(
    ROLES.map(async (role) => ({
      role,
      ...(await makeToken({ name: `the-${role}`, role })),
    })),
  );
  return {
    entries: made.map(({ entry }) => entry),
    tokens: new Map<Role, string>(made.map(({ role, token }) => [role, token])),
  };
}

/** What looks on, and what speaks as others would. */
async function openWitnesses(surroundings: Surroundings, dataConverter: DataConverter | undefined) {
  const { stack, namespace, amqpUrl, vhost } = surroundings;
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const shared = { connection, namespace, ...defined({ dataConverter }) };
  const temporal = new Temporal({ ...shared });
  const client = new OrderDispatchClient({ ...shared, workflowTaskTimeoutMs: patience(100) });
  const orders = openOrdersRows(surroundings.ordersDatabaseUrl);
  const dispatches = openDispatchRows(surroundings.dispatchDatabaseUrl);
  const publisher = await Publisher.open({ url: amqpUrl, name: 'test', log: silentLogger() });
  await ensureSchedules(temporal);
  await rabbitmqctl(stack.rabbitmqctl, ['trace_on', '-p', vhost]);
  const broker = await connect(amqpUrl);
  const messages = await trace(broker);
  return {
    ...{ temporal, client, orders, dispatches, publisher, messages },
    closeAll: async () => {
      await broker.close();
      await publisher.close();
      await connection.close();
      await orders.$disconnect();
      await dispatches.$disconnect();
    },
  };
}

/** Collects whatever is published in a virtual host that is traced. */
async function trace(broker: ChannelModel): Promise<TracedMessage[]> {
  const messages: TracedMessage[] = [];
  const channel = await broker.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'amq.rabbitmq.trace', 'publish.#');
  await channel.consume(
    queue,
    (message) => {
      if (!message) return;
      const { headers } = message.properties;
      messages.push({
        exchange: String(headers?.['exchange_name']),
        properties: JSON.stringify(headers),
        body: message.content.toString(),
      });
    },
    { noAck: true },
  );
  return messages;
}

/** Whoever places orders and decides about them. */
class Walker {
  readonly placed = new Map<Path, Order[]>();
  readonly currentDetails: string[] = [];
  readonly errors: string[] = [];
  readonly answersToService: ApiAnswer[] = [];

  constructor(
    private readonly given: Omit<Awaited<ReturnType<typeof openWitnesses>>, 'closeAll'> & {
      canary: string;
      surroundings: Surroundings;
      tokens: ReadonlyMap<Role, string>;
      apiUrl: string;
    },
  ) {}

  /** Asks the API's process. */
  async ask(role: Role, method: 'GET' | 'POST', path: string, body?: object): Promise<ApiAnswer> {
    const response = await fetch(`${this.given.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.given.tokens.get(role)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Orders whose worker dies in the midst of them, and is started again. */
  async crash(each: number, killAndStart: () => Promise<void>): Promise<void> {
    const handles = await this.place('crashed', each);
    await killAndStart();
    await Promise.all(handles.map((handle) => handle.result()));
  }

  /** All other paths, to their ends. */
  async walk(each: number): Promise<void> {
    await Promise.all([
      this.toTheEnd('quick', each),
      this.toTheEnd('durable', each),
      this.toTheEnd('rejected', each),
      this.toTheEnd('retryLater', each),
      this.byApi(each),
      this.silence(each),
      this.inBulk(each),
      this.cancelled(each),
      this.tooLate(each),
      this.undecidable(each),
      this.rowsBack(),
      this.conflicts(),
      this.invalid(),
      this.malformed(),
      this.healthCheck(),
    ]);
    // What it refuses pauses the queue of answers for all: the others are done.
    await this.refusedByDatabases(each);
  }

  private get note(): string {
    return `${this.given.canary} called again`;
  }

  private newOrder(path: Path): Order {
    const { canary } = this.given;
    const order = newOrder({
      orderId: `${path}-${randomUUID().slice(0, 8)}`,
      customerId: canary,
      restaurantId: path,
      deliveryAddress: { line: `1 ${canary} Street`, city: `${canary}ton`, postcode: canary },
      note: `ring for ${canary}`,
      details: { phone: [canary] },
    });
    this.placed.set(path, [...(this.placed.get(path) ?? []), order]);
    return order;
  }

  private place(path: Path, count: number): Promise<OrderHandle[]> {
    return Promise.all(
      Array.from({ length: count }, () =>
        this.given.client.placeOrder(this.newOrder(path), { policy: POLICIES[path] }),
      ),
    );
  }

  private async toTheEnd(path: Path, count: number): Promise<OrderHandle[]> {
    const handles = await this.place(path, count);
    await Promise.all(handles.map((handle) => handle.result()));
    return handles;
  }

  private async byApi(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const order = this.newOrder('byApi');
      await this.askAsService({ order });
      await this.given.client.getOrder(order.orderId).result();
    }
  }

  private async askAsService(body: object): Promise<void> {
    this.answersToService.push(await this.ask('service', 'POST', '/v1/orders', body));
  }

  /** Waits until an order's task is open, and reads what it says, also of what nobody can read. */
  private async taskOf(handle: OrderHandle) {
    const { humanTask } = await openTask(handle);
    const workflow = this.given.temporal.workflow.getHandle(
      dispatchOrderWorkflowId(handle.orderId),
    );
    const wrong = { decision: this.given.canary, actor: 'mia', note: this.note };
    await workflow.signal(SIGNALS.resolve, wrong);
    await eventually(async () => {
      const metadata = await workflow.query('__temporal_workflow_metadata');
      const text = JSON.stringify(metadata);
      if (!text.includes('Signals that changed nothing')) return false;
      this.currentDetails.push(text);
      return true;
    });
    return humanTask;
  }

  private async silence(count: number): Promise<void> {
    const handles = await this.place('silent', count);
    await Promise.all(
      handles.map(async (handle, index) => {
        const task = await this.taskOf(handle);
        if (index % 2 === 0) {
          await handle.resolve({ decision: 'cancel', actor: 'mia', note: this.note });
        } else {
          const id = encodeURIComponent(dispatchOrderWorkflowId(handle.orderId));
          await this.ask('operator', 'POST', `/v1/tasks/${id}/claim`, { note: this.note });
          await this.ask('operator', 'POST', `/v1/tasks/${id}/note`, { note: this.note });
          const decision = { decision: 'markDispatched', courierId: 'bike-7', note: this.note };
          const openedAt = task?.escalatedAt;
          await this.ask('operator', 'POST', `/v1/tasks/${id}/resolve`, { ...decision, openedAt });
        }
        await handle.result();
      }),
    );
  }

  private async inBulk(count: number): Promise<void> {
    const handles = await this.place('inBulk', count);
    await Promise.all(handles.map((handle) => this.taskOf(handle)));
    const decided = { decision: 'cancel', note: this.note, expected: count };
    const begun = await this.ask('admin', 'POST', '/v1/bulk', {
      ...{ filter: { restaurantId: 'inBulk' }, ...decided },
    });
    if (begun.status !== 201) throw new Error(`no bulk run: ${begun.text}`);
    await Promise.all(handles.map((handle) => handle.result()));
  }

  private async cancelled(count: number): Promise<void> {
    const handles = await this.toTheEnd('cancelled', count);
    await Promise.all(handles.map((handle) => handle.cancel({ actor: 'mia', note: this.note })));
  }

  private async tooLate(count: number): Promise<void> {
    const handles = await this.toTheEnd('tooLate', count);
    await Promise.all(
      handles.map((handle) => this.refused(handle.cancel({ actor: 'mia', note: this.note }))),
    );
  }

  /** Keeps what a caller was told. */
  private async refused(asked: Promise<unknown>): Promise<void> {
    const told: unknown = await asked.then(
      () => new Error('it was not refused'),
      (error: unknown) => error,
    );
    for (let error = told; error instanceof Error; error = error.cause) {
      this.errors.push(`${error.stack}\n${error.message}\n${JSON.stringify(error)}`);
    }
  }

  /** The dispatch system throws over them, until they are dead letters, and people say what is next. */
  private async undecidable(count: number): Promise<void> {
    const handles = await this.place('undecidable', count);
    await Promise.all(
      handles.map(async (handle) => {
        await eventually(async () => (await handle.status()).humanTask, {
          withinMs: patience(30_000),
          what: 'the task of a request that nobody can decide',
        });
        await this.taskOf(handle);
        await handle.resolve({ decision: 'cancel', actor: 'mia', note: this.note });
        await handle.result();
      }),
    );
    const deadLetters = await this.given.orders.deadLetter.findMany({
      where: { orderId: { in: handles.map(({ orderId }) => orderId) } },
    });
    const [first, ...others] = deadLetters.map(({ id }) => String(id));
    const decided = { note: this.note };
    await this.ask('operator', 'POST', '/v1/dead-letters/replay', {
      ...{ ids: [first], canary: 0, ...decided },
    });
    await this.ask('admin', 'POST', '/v1/dead-letters/discard', { ids: others, ...decided });
  }

  /** Deletes rows behind the service's back, with nobody there yet who compares. */
  async takeRows(each: number): Promise<void> {
    const handles = await this.toTheEnd('repaired', each);
    const orderIds = handles.map(({ orderId }) => orderId);
    await this.given.orders.order.deleteMany({ where: { orderId: { in: orderIds } } });
  }

  /** They come back from their copies. */
  private async rowsBack(): Promise<void> {
    const orderIds = (this.placed.get('repaired') ?? []).map(({ orderId }) => orderId);
    const where = { orderId: { in: orderIds } };
    await eventually(
      async () => (await this.given.orders.repair.count({ where })) === orderIds.length,
      { what: 'the repairs of rows that were deleted' },
    );
  }

  /** Rows that a database will not take, and says so by quoting them. */
  private async refusedByDatabases(count: number): Promise<void> {
    const { orders } = this.given;
    await orders.$executeRawUnsafe(
      `ALTER TABLE orders ADD CONSTRAINT refused CHECK ("order" ->> 'restaurantId' <> 'refusedRow')`,
    );
    await orders.$executeRawUnsafe(
      `ALTER TABLE acknowledgements ADD CONSTRAINT refused CHECK (rejection_code <> 'other')`,
    );
    const rows = await this.place('refusedRow', count);
    // Few: each of them pauses the queue of answers for all.
    const answers = await this.place('refusedAnswer', Math.min(count, 2));
    await Promise.all(
      answers.map(async (handle) => {
        await this.taskOf(handle);
        await handle.resolve({ decision: 'cancel', actor: 'mia', note: this.note });
        await handle.result();
      }),
    );
    await orders.$executeRawUnsafe('ALTER TABLE orders DROP CONSTRAINT refused');
    await Promise.all(rows.map((handle) => handle.result()));
    const sourceQueue = { contains: QUEUES.acknowledgements };
    await eventually(async () => (await orders.deadLetter.count({ where: { sourceQueue } })) > 0, {
      withinMs: patience(20_000),
      what: 'answers that were given up',
    });
  }

  private async conflicts(): Promise<void> {
    const { client, orders, canary } = this.given;
    const [taken, other] = [this.newOrder('quick'), this.newOrder('quick')];
    await (await client.placeOrder(taken)).result();
    const changed = (order: Order) => ({ ...order, note: `${canary} moved` });
    await this.refused(client.placeOrder(changed(taken)));
    await this.askAsService({ order: changed(taken) });
    // Temporal knows nothing of this one: its worker finds it.
    await orders.order.create({
      data: {
        ...{ orderId: other.orderId, contentHash: contentHash(other), order: other as never },
        ...{ policy: DEFAULT_POLICY, dispatchBy: new Date() },
        ...{ status: 'dispatched', courierId: 'courier-1', dispatchedBy: 'acknowledgement' },
      },
    });
    await this.refused((await client.placeOrder(changed(other))).result());
  }

  private async invalid(): Promise<void> {
    const { client, temporal, canary } = this.given;
    const order = newOrder({ orderId: `invalid-${randomUUID().slice(0, 8)}` });
    const bad: unknown[] = [
      { ...order, customerId: canary.repeat(20), note: [canary] },
      { ...order, deliveryAddress: canary, placedAt: canary },
      { ...order, details: { said: `${canary}\u0000` }, currency: canary },
      { ...order, deliveryAddress: { line: canary, city: canary, postcode: canary.repeat(3) } },
    ];
    for (const each of bad) {
      await this.refused(client.placeOrder(each as Order));
      await this.askAsService({ order: each });
    }
    await this.askAsService({
      order: { ...order, note: canary },
      policy: { quickWindowMs: canary },
    });
    // Past the SDK, as from the Web UI.
    const handle = await temporal.workflow.start(WORKFLOW_TYPES.dispatchOrder, {
      workflowId: dispatchOrderWorkflowId(order.orderId),
      taskQueue: TASK_QUEUES.main,
      args: [{ order: bad[0] }],
    });
    await this.refused(handle.result());
  }

  /** What no consumer can read. */
  private async malformed(): Promise<void> {
    const { canary, publisher, orders } = this.given;
    const queues = [
      [QUEUES.dispatchRequests, DISPATCH_REQUEST_TYPE],
      [QUEUES.supplementRequests, DISPATCH_REQUEST_TYPE],
      [QUEUES.acknowledgements, ACKNOWLEDGEMENT_TYPE],
    ] as const;
    const contents = [
      `{"orderId": "malformed-1", "order": {"customerId": "${canary}"}, `,
      JSON.stringify({
        orderId: 'malformed-1',
        order: canary,
        dispatchBy: canary,
        detail: [canary],
      }),
    ];
    for (const [queue, type] of queues) {
      for (const content of contents) {
        await publisher.publish({
          ...{ exchange: '', routingKey: queue, type, messageId: randomUUID(), headers: {} },
          ...{ appId: APP_IDS.orderDispatch, content: Buffer.from(content) },
        });
      }
    }
    const deadLetterReason = { startsWith: 'MalformedMessage' };
    await eventually(
      async () =>
        (await orders.deadLetter.count({ where: { deadLetterReason } })) ===
        queues.length * contents.length,
      { what: 'dead letters that nobody can read' },
    );
  }

  private async healthCheck(): Promise<void> {
    await this.given.temporal.schedule.getHandle(SCHEDULES.checkHealth).trigger();
    await eventually(async () => (await this.given.orders.healthReport.count()) > 0, {
      what: 'a health report',
    });
  }
}
