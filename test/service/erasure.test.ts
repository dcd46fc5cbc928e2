import { createHash, randomUUID } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import {
  eraseDeadLetters,
  eraseLateDeadLetters,
  eraseOrders,
  inErasureTransaction,
  insertErasure,
  lockCustomerOrders,
} from '../../database/orders/erasure';
import { recordDeadLetter, type NewDeadLetter } from '../../database/orders/dead-letters';
import { APP_IDS, QUEUES } from '../../domain/amqp-names';
import { contentHash } from '../../domain/content-hash';
import { ACKNOWLEDGEMENT_TYPE } from '../../domain/messages/acknowledgement';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE } from '../../domain/messages/withdrawal';
import { parseOrder, type Order } from '../../domain/order';
import { TASK_QUEUES, WORKFLOW_TYPES, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { dispatchRequestMessage } from '../../messaging/messages';
import { eraseCustomer, ErasureRefused, type ErasureRequest } from '../../operations/erase';
import { findTemporalRemains } from '../../operations/erase-remains';
import { replayDeadLetters } from '../../operations/dead-letters-replay';
import { silentLogger } from '../../runtime/logger';
import { startSupplementSystem, type SupplementSystem } from '../../supplement/supplement-system';
import { errorLine, runCli, unwrapped } from '../run-cli';
import { insertOrderRow } from '../rows';
import { eventually, lockAwaited, newOrder, setup, type TestBed } from '../setup';

const DAY_MS = 24 * 60 * 60 * 1_000;
const BY_ANA = { actor: 'ana', note: 'request 4711' };

describe('erasure', () => {
  let bed: TestBed;
  let connection: NativeConnection;
  let supplement: SupplementSystem;
  beforeAll(async () => {
    bed = await setup();
    const { stack, namespace, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl } = bed;
    connection = await NativeConnection.connect({ address: stack.temporalAddress });
    supplement = await startSupplementSystem({
      connection,
      namespace,
      amqpUrl,
      ordersDatabaseUrl,
      dispatchDatabaseUrl,
      graceMs: 200,
      log: silentLogger(),
    });
  });
  afterAll(async () => {
    await supplement.close();
    await bed.close();
    await connection.close();
  });

  const newCustomer = () => `c-${randomUUID()}`;
  /** An order full of what must not be found any more. */
  const personalOrder = (customerId: string) =>
    newOrder({
      customerId,
      deliveryAddress: { line: `line of ${customerId}`, city: 'SECRET city', postcode: 'SECRET' },
      note: `note of ${customerId}`,
      details: { phone: `phone of ${customerId}` },
    });
  /** Places an order of the customer's and waits for its courier. */
  const dispatched = async (customerId: string): Promise<Order> => {
    const order = personalOrder(customerId);
    await (await bed.client.placeOrder(order)).result();
    return order;
  };
  /** A row as if the order had come so far. */
  const seed = async (customerId: string, fields: Record<string, string>): Promise<Order> => {
    const order = personalOrder(customerId);
    await insertOrderRow(bed.orders, order, {
      dispatchBy: new Date(),
      courierId: 'courier-1',
      dispatchedBy: 'acknowledgement',
      status: 'dispatched',
      ...fields,
    });
    return order;
  };
  const seedDeadLetter = async (fields: {
    body: object | string;
    type?: string;
    orderId?: string;
    headers?: object;
    state?: string;
  }) => {
    const { body, type = DISPATCH_REQUEST_TYPE, headers = {}, orderId, state = 'open' } = fields;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { id } = await bed.orders.deadLetter.create({
      data: {
        fingerprint: randomUUID(),
        sourceQueue: QUEUES.dispatchRequests,
        messageId: 'm',
        type,
        appId: APP_IDS.orderDispatch,
        deadLetterReason: 'TypeError',
        properties: { correlationId: 'r', userId: 'SECRET user' },
        headers: { attempts: 5, ...headers },
        content: Buffer.from(text),
        attempts: 5,
        firstFailedAt: new Date(),
        lastFailedAt: new Date(),
        state,
        ...(orderId !== undefined && { orderId }),
      },
    });
    return id;
  };
  const readDeadLetter = async (id: bigint) => {
    const row = await bed.orders.deadLetter.findUniqueOrThrow({ where: { id } });
    return { ...row, body: JSON.parse(Buffer.from(row.content).toString('utf8')) as object };
  };
  const requestOf = (order: Order) => ({
    requestId: `${order.orderId}.1`,
    orderId: order.orderId,
    dispatchBy: new Date(Date.now() + 60_000).toISOString(),
    contentHash: contentHash(order),
    order,
  });
  /** A dead letter as the drain records it. */
  const deadLetterOf = (order: Order): NewDeadLetter => ({
    fingerprint: randomUUID(),
    sourceQueue: QUEUES.dispatchRequests,
    messageId: `${order.orderId}.1`,
    type: DISPATCH_REQUEST_TYPE,
    appId: APP_IDS.orderDispatch,
    orderId: order.orderId,
    deadLetterReason: 'TypeError',
    properties: {},
    headers: {},
    content: Uint8Array.from(Buffer.from(JSON.stringify(requestOf(order)))),
    attempts: 5,
    firstFailedAt: new Date(),
    lastFailedAt: new Date(),
  });
  const erase = (customerId: string, options: Partial<ErasureRequest> = {}) =>
    eraseCustomer(bed.databases, {
      customerId,
      ...BY_ANA,
      dryRun: false,
      now: new Date(),
      ...options,
    });
  const blankLate = (orderId: string) =>
    inErasureTransaction(
      bed.databases.orders,
      (transaction) => eraseLateDeadLetters(transaction, orderId),
      { dryRun: false },
    );
  /** Everything that both databases hold, as text; not what the relay of events does meanwhile, nor where rows lie. */
  const dump = async () => {
    const texts = await bed.orders.$queryRaw<{ text: string }[]>`
      SELECT t::text AS text FROM orders t UNION ALL SELECT t::text FROM acknowledgements t
      UNION ALL SELECT t::text FROM repairs t UNION ALL SELECT t::text FROM erasures t
      UNION ALL SELECT t::text FROM human_tasks t UNION ALL SELECT t::text FROM audit t
      UNION ALL SELECT (to_jsonb(t) - '{sent_at,not_before,failures}'::text[])::text FROM outcome_events t
      UNION ALL SELECT t::text FROM bulk_runs t UNION ALL SELECT t::text FROM bulk_rows t
      UNION ALL SELECT t::text || convert_from(content, 'UTF8') FROM dead_letters t`;
    const more = await bed.dispatches.$queryRaw<{ text: string }[]>`
      SELECT t::text AS text FROM dispatches t UNION ALL SELECT t::text FROM inbox t`;
    return [...texts, ...more]
      .map(({ text }) => text)
      .toSorted()
      .join('\n');
  };
  const rowOf = ({ orderId }: Order) => bed.orders.order.findUniqueOrThrow({ where: { orderId } });
  const erasedAt = async ({ orderId }: Order) => {
    const [row] = await bed.orders.$queryRaw<{ at: Date | null }[]>`
      SELECT erased_at AS at FROM orders WHERE order_id = ${orderId}`;
    return row?.at;
  };

  test('leaves nothing of the customer in either database, and each row where it was', async () => {
    const customerId = newCustomer();
    const first = personalOrder(customerId);
    bed.script(first.orderId, () => ({
      kind: 'reject',
      rejectionCode: 'outOfZone',
      detail: `detail about ${customerId}`,
    }));
    await (await bed.client.placeOrder(first)).result();
    const second = await dispatched(customerId);
    const before = [await rowOf(first), await rowOf(second)];
    await bed.orders.order.update({
      where: { orderId: second.orderId },
      data: {
        decision: 'retry',
        decidedBy: `customer ${customerId}`,
        decisionNote: `says ${customerId}`,
      },
    });
    await bed.orders.repair.create({
      data: {
        orderId: second.orderId,
        found: 'f',
        done: 'kept',
        before: {},
        after: {},
        provenance: 'person',
        actor: 'mia',
        note: `called ${customerId}`,
        runId: randomUUID(),
      },
    });
    await seedDeadLetter({
      body: requestOf(second),
      orderId: second.orderId,
      headers: { 'x-of': customerId },
    });
    // As a person's decision leaves them: the trigger makes the audit's row of the last act.
    const taskId = dispatchOrderWorkflowId(second.orderId);
    const said = { actor: 'mia', via: 'cli', note: `spoke with ${customerId}` };
    await bed.orders.order.update({
      where: { orderId: second.orderId },
      data: { lastAct: { act: 'resolve', decision: 'retry', ...said } },
    });
    await bed.orders.humanTask.create({
      data: {
        ...{ taskId, orderId: second.orderId, kind: 'order', escalationReason: 'rejected' },
        ...{ openedAt: new Date(), dueAt: new Date(), overdueAt: new Date() },
        ...{ closedAt: new Date(), closedBy: 'person', claimedBy: customerId, ...said },
      },
    });
    const run = await bed.orders.bulkRun.create({
      data: {
        ...{ actor: 'mia', via: 'cli', note: `as ${customerId} said`, decision: 'retry' },
        ...{ filter: { claimedBy: customerId }, ratePerSecond: 20 },
        ...{ state: 'aborted', endedAt: new Date(), abortedBy: customerId, abortNote: 'no' },
        rows: {
          create: {
            ...{ n: 1, taskId: 'dispatch-order/o-1', openedAt: new Date(), orderId: 'o-1' },
            ...{ escalationReason: 'noAcknowledgement', state: 'refused' },
            outcome: `decided by ${customerId}`,
          },
        },
      },
    });
    expect(await dump()).toContain(customerId);

    const erasure = await erase(customerId);
    expect(erasure).toMatchObject({
      orderIds: [first.orderId, second.orderId],
      erasedBefore: 0,
      rows: {
        ...{ orders: 2, acknowledgements: 1, repairs: 1, humanTasks: 1, audit: 1 },
        ...{ bulkRuns: 1, deadLetters: 1, inbox: 1 },
      },
    });
    expect(await bed.orders.bulkRun.findUnique({ where: { id: run.id } })).toMatchObject({
      ...{ actor: 'mia', note: 'erased', abortedBy: 'erased', abortNote: 'no' },
    });
    const left = await dump();
    expect(left).not.toContain(customerId);
    expect(left).not.toContain('SECRET user');
    const after = [await rowOf(first), await rowOf(second)];
    for (const [index, row] of after.entries()) {
      const { contentHash: hash, status, courierId, rejectionCode, updatedAt } = row;
      expect(before[index]).toMatchObject({ contentHash: hash, status, courierId, rejectionCode });
      expect(updatedAt).toEqual(before[index]?.updatedAt);
      expect(parseOrder(row.order)).toEqual({
        orderId: row.orderId,
        customerId: 'erased',
        restaurantId: 'r-3',
        deliveryAddress: { line: 'erased', city: 'erased', postcode: 'erased' },
        items: first.items,
        currency: 'EUR',
        placedAt: first.placedAt,
      });
    }
    // Who decided what stays, unless that names the customer.
    expect(after[1]).toMatchObject({
      decision: 'retry',
      decidedBy: 'erased',
      decisionNote: 'erased',
    });
    const repair = await bed.orders.repair.findFirst({ where: { orderId: second.orderId } });
    expect(repair).toMatchObject({ actor: 'mia', note: 'erased' });
    const acts = await bed.orders.auditEntry.findMany({ where: { orderId: second.orderId } });
    expect(acts).toMatchObject([
      { act: 'resolve', decision: 'retry', actor: 'mia', note: 'erased' },
    ]);
    expect(await bed.orders.auditEntry.findFirst({ orderBy: { id: 'desc' } })).toMatchObject({
      ...{ act: 'erase', via: 'cli', orderId: null },
      ...BY_ANA,
    });
    // The audit knows the customer by hash only.
    expect(await bed.orders.erasure.findFirst({ orderBy: { id: 'desc' } })).toMatchObject({
      ...BY_ANA,
      customerHash: createHash('sha256').update(customerId).digest('hex'),
      orders: 2,
      acknowledgements: 1,
      repairs: 1,
      humanTasks: 1,
      audit: 1,
      bulkRuns: 1,
      deadLetters: 1,
      inbox: 1,
    });
  });

  test.each([
    ['c-7', 'c-70'],
    ['a.c', 'abc'],
    ['%', '50%'],
    [`O'Brien "x" \\ $1`, `O'Brien "x" \\ $10`],
    ['ünï[code]', 'ünï[code]s'],
  ])('erases %p and leaves %p alone', async (customerId, other) => {
    const theirs = await seed(other, {
      decidedBy: other,
      courierSentBy: other,
      decisionNote: 'theirs',
    });
    const mine = await seed(customerId, {
      decidedBy: `(${customerId})`,
      courierSentBy: `(${customerId})`,
    });
    const theirDeadLetter = await seedDeadLetter({ body: requestOf(theirs), state: 'discarded' });
    const myDeadLetter = await seedDeadLetter({ body: requestOf(mine), state: 'discarded' });
    expect(await erase(customerId)).toMatchObject({ orderIds: [mine.orderId] });
    expect(await rowOf(mine)).toMatchObject({ decidedBy: 'erased', courierSentBy: 'erased' });
    expect(await rowOf(theirs)).toMatchObject({
      order: theirs,
      decidedBy: other,
      courierSentBy: other,
      decisionNote: 'theirs',
    });
    expect((await readDeadLetter(theirDeadLetter)).body).toMatchObject({ order: theirs });
    expect((await readDeadLetter(myDeadLetter)).body).not.toHaveProperty('order');
  });

  test('the hash that is kept of the customer ID is made with the key; one from before it is found, and made anew', async () => {
    const customerId = newCustomer();
    const order = await dispatched(customerId);
    const before = await erase(customerId);
    const hashKey = 'a key of the order service';
    const after = await erase(customerId, { hashKey });
    expect(after).toMatchObject({ orderIds: [order.orderId], erasedBefore: 1 });
    expect(after.customerHash).not.toBe(before.customerHash);
    expect(await dump()).not.toContain(before.customerHash);
    expect(await erase(customerId, { hashKey })).toMatchObject({ orderIds: [order.orderId] });
  });

  test('an order that a person dispatched is erased only when its withdrawal was answered', async () => {
    const customerId = newCustomer();
    const order = await seed(customerId, { dispatchedBy: 'person' });
    await expect(erase(customerId)).rejects.toBeInstanceOf(ErasureRefused);
    await bed.orders.acknowledgement.create({
      data: {
        messageId: randomUUID(),
        requestId: `${order.orderId}.withdrawal`,
        orderId: order.orderId,
        outcome: 'withdrawn',
        decidedAt: new Date(),
        class: 'first',
      },
    });
    expect(await erase(customerId)).toMatchObject({ orderIds: [order.orderId] });
  });

  test('a dry run counts exactly what is then erased, and changes nothing', async () => {
    const customerId = newCustomer();
    const order = await dispatched(customerId);
    await seedDeadLetter({ body: requestOf(order), orderId: order.orderId });
    const before = await dump();
    const planned = await erase(customerId, { dryRun: true });
    expect(planned.rows).toMatchObject({ orders: 1, deadLetters: 1 });
    expect(await dump()).toBe(before);
    expect((await erase(customerId)).rows).toEqual(planned.rows);
  });

  test('anything that is not settled refuses the whole erasure, and is listed', async () => {
    const customerId = newCustomer();
    const final = await seed(customerId, { status: 'cancelled' });
    const unsettled = [
      await seed(customerId, { status: 'placed' }),
      await seed(customerId, { status: 'escalated', escalationReason: 'rejected' }),
      await seed(customerId, { status: 'cancelling' }),
      await seed(customerId, { escalationReason: 'withdrawalFailed' }),
      await seed(customerId, {}),
    ];
    const [finding] = unsettled.slice(-1);
    await bed.orders.humanTask.create({
      data: {
        taskId: `reconcile-order/${finding?.orderId}`,
        orderId: finding?.orderId ?? null,
        ...{ kind: 'discrepancy', escalationReason: 'discrepancy' },
        ...{ openedAt: new Date(), dueAt: new Date(), overdueAt: new Date() },
      },
    });
    const lost = personalOrder(customerId);
    const deadLetter = await seedDeadLetter({ body: requestOf(lost), orderId: lost.orderId });
    const erasures = await bed.orders.erasure.count();
    const refusal: unknown = await erase(customerId).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ErasureRefused);
    expect((refusal as ErasureRefused).unsettled).toEqual({
      orders: unsettled.map(({ orderId }): unknown => expect.objectContaining({ orderId })),
      deadLetters: [{ id: String(deadLetter), orderId: lost.orderId }],
    });
    expect((await rowOf(final)).order).toEqual(final);
    expect(await bed.orders.erasure.count()).toBe(erasures);
    // A dry run says so, too.
    await expect(erase(customerId, { dryRun: true })).rejects.toBeInstanceOf(ErasureRefused);
    await bed.orders.order.deleteMany({
      where: { orderId: { in: unsettled.map((order) => order.orderId) } },
    });
    await bed.orders.deadLetter.update({ where: { id: deadLetter }, data: { state: 'discarded' } });
    expect(await erase(customerId)).toMatchObject({ rows: { orders: 1, deadLetters: 1 } });
  });

  describe('what comes back finds a final order', () => {
    test('the same order placed again has the same result, and the data stays away', async () => {
      const customerId = newCustomer();
      const order = await dispatched(customerId);
      const result = await bed.client.getOrder(order.orderId).result();
      await erase(customerId);
      const { attempts } = await rowOf(order);
      expect(await (await bed.client.placeOrder(order)).result()).toEqual(result);
      // As after Temporal's retention, and as a restart with the copy of a request.
      const again = await bed.temporal.workflow.start(WORKFLOW_TYPES.dispatchOrder, {
        workflowId: dispatchOrderWorkflowId(order.orderId),
        taskQueue: TASK_QUEUES.main,
        args: [{ order, requestNumber: 1 }],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      });
      expect(await again.result()).toEqual(result);
      expect(await rowOf(order)).toMatchObject({ attempts, status: 'dispatched' });
      expect(await dump()).not.toContain(customerId);
    });

    test("a request's copy and a repeat of the request change nothing, and get the same answer", async () => {
      const customerId = newCustomer();
      const order = await dispatched(customerId);
      await erase(customerId);
      const row = await rowOf(order);
      await bed.publisher.publish(dispatchRequestMessage(requestOf(order), undefined));
      const answers = { orderId: order.orderId, class: 'duplicate' };
      await eventually(
        async () => (await bed.orders.acknowledgement.count({ where: answers })) > 0,
      );
      // First in, first out: when the order behind it is back, the copy was read.
      const lost = newOrder();
      await bed.publishRequest(lost.orderId, `${lost.orderId}.1`);
      const isBack = { where: { orderId: lost.orderId } };
      await eventually(async () => (await bed.orders.order.count(isBack)) > 0);
      expect(await rowOf(order)).toEqual(row);
      expect(await bed.orders.repair.count({ where: { orderId: order.orderId } })).toBe(0);
      expect(await dump()).not.toContain(customerId);
    });

    test.each(['placed', 'escalated', 'cancelling'])(
      'the database itself keeps an erased order from being %s again',
      async (status) => {
        const customerId = newCustomer();
        const { orderId } = await seed(customerId, {});
        await erase(customerId);
        const change = bed.orders.order.update({ where: { orderId }, data: { status } });
        await expect(change).rejects.toThrow(/orders_erased_final_check|constraint/);
      },
    );
  });

  describe('dead letters', () => {
    test('an open request is discarded and not a request any more: it cannot be replayed', async () => {
      const customerId = newCustomer();
      const order = await seed(customerId, {});
      const id = await seedDeadLetter({
        body: requestOf(order),
        orderId: order.orderId,
        headers: { traceparent: 't', secret: customerId, 'x-death': [{ reason: 'rejected' }] },
      });
      await erase(customerId);
      const { requestId, orderId, contentHash: hash } = requestOf(order);
      expect(await readDeadLetter(id)).toMatchObject({
        state: 'discarded',
        decidedBy: 'ana',
        body: {
          requestId,
          orderId,
          dispatchBy: expect.any(String),
          contentHash: hash,
          erased: true,
        },
        headers: { attempts: 5, traceparent: 't', 'x-death': [{ reason: 'rejected' }] },
        properties: { correlationId: 'r' },
      });
      const report = await replayDeadLetters({
        database: bed.databases.orders,
        amqpUrl: bed.amqpUrl,
        log: silentLogger(),
        filter: { ids: [String(id)] },
        ...BY_ANA,
      });
      expect(report).toMatchObject({ replayed: [] });
    });

    test('an open answer and an open withdrawal lose their words, not their meaning', async () => {
      const customerId = newCustomer();
      const { orderId } = await seed(customerId, { status: 'cancelled' });
      const answer = {
        requestId: `${orderId}.1`,
        orderId,
        outcome: 'accepted',
        courierId: 'courier-2',
        decidedAt: new Date().toISOString(),
      };
      const withdrawal = { requestId: `${orderId}.withdrawal`, orderId };
      const ids = [
        await seedDeadLetter({
          body: { ...answer, detail: customerId },
          type: ACKNOWLEDGEMENT_TYPE,
          orderId,
        }),
        await seedDeadLetter({
          body: { ...withdrawal, note: customerId },
          type: WITHDRAWAL_TYPE,
          orderId,
        }),
      ];
      await erase(customerId);
      const [first, second] = await Promise.all(ids.map(readDeadLetter));
      expect(first).toMatchObject({ state: 'open', body: { ...answer, erased: true } });
      expect(second).toMatchObject({ state: 'open', body: { ...withdrawal, erased: true } });
      expect(first?.body).not.toHaveProperty('detail');
      expect(second?.body).not.toHaveProperty('note');
    });

    test('what nobody can read is blanked whole where it quotes the customer', async () => {
      const customerId = newCustomer();
      const quoting = await seedDeadLetter({ body: `<"${customerId}">`, state: 'discarded' });
      const other = await seedDeadLetter({ body: `{"sku": "${customerId}"}`, state: 'discarded' });
      expect(await erase(customerId)).toMatchObject({ orderIds: [], rows: { deadLetters: 1 } });
      expect((await readDeadLetter(quoting)).body).toEqual({ erased: true });
      expect((await readDeadLetter(other)).body).toEqual({ sku: customerId });
    });

    test('one that comes in the middle of the erasure is recorded without', async () => {
      const customerId = newCustomer();
      const order = await seed(customerId, {});
      const { orderId } = order;
      const at = new Date();
      let recorded: Promise<boolean> | undefined;
      await inErasureTransaction(
        bed.databases.orders,
        async (transaction) => {
          await lockCustomerOrders(transaction, { customerId, customerHashes: ['h'] });
          const { actor, note } = BY_ANA;
          const erasureId = await insertErasure(transaction, {
            ...{ customerHash: 'h', actor, note, via: 'cli' },
            at,
          });
          await eraseDeadLetters(transaction, { orderIds: [orderId], customerId, actor, at });
          recorded = recordDeadLetter(bed.databases.orders, deadLetterOf(order));
          // It waits for the order: else it would be there, whole, and nobody would look again.
          await lockAwaited(bed.orders);
          await eraseOrders(transaction, { orderIds: [orderId], customerId, erasureId, at });
        },
        { dryRun: false },
      );
      expect(await recorded).toBe(true);
      expect(await dump()).not.toContain(customerId);
    });

    test('one that comes after the erasure is blanked by its drain, or by a repeat of the erasure', async () => {
      const customerId = newCustomer();
      const order = await seed(customerId, {});
      const { orderId } = order;
      await erase(customerId);
      const drained = await seedDeadLetter({ body: requestOf(order), orderId });
      await blankLate(orderId);
      expect(await readDeadLetter(drained)).toMatchObject({ state: 'discarded', decidedBy: 'ana' });
      expect(await dump()).not.toContain(customerId);

      await seedDeadLetter({ body: requestOf(order), orderId });
      expect(await erase(customerId)).toMatchObject({
        orderIds: [orderId],
        erasedBefore: 1,
        rows: { orders: 0, deadLetters: 1 },
      });
      expect(await dump()).not.toContain(customerId);
      expect((await erase(customerId)).rows).toMatchObject({ orders: 0, deadLetters: 0 });
      const live = await seed(newCustomer(), {});
      const kept = await seedDeadLetter({ body: requestOf(live), orderId: live.orderId });
      await blankLate(live.orderId);
      expect(await readDeadLetter(kept)).toMatchObject({ state: 'open', body: { order: live } });
    });
  });

  test('what remains in Temporal is each history, until its end and the retention of the namespace', async () => {
    const customerId = newCustomer();
    const order = await dispatched(customerId);
    const workflowId = dispatchOrderWorkflowId(order.orderId);
    const { closeTime } = await bed.temporal.workflow.getHandle(workflowId).describe();
    const { namespace, temporal } = bed;
    const session = { namespace, temporal, connection: temporal.connection as never };
    // Temporal lists what happened a moment later.
    const remains = await eventually(async () => {
      const found = await findTemporalRemains(session, [order.orderId, 'o-nobody']);
      return found.lastRemovedAt !== undefined && found;
    });
    const removedAt = new Date((closeTime?.getTime() ?? 0) + DAY_MS).toISOString();
    expect(remains).toEqual({
      namespace,
      retentionMs: DAY_MS,
      isArchived: false,
      histories: [{ workflowId, runId: expect.any(String), removedAt }],
      lastRemovedAt: removedAt,
    });
  });

  describe('on the command line', () => {
    const cli = (...args: string[]) =>
      runCli(['erase', '--actor', 'ana', '--note', 'request 4711', ...args], {
        environment: {
          TEMPORAL_ADDRESS: bed.stack.temporalAddress,
          TEMPORAL_NAMESPACE: bed.namespace,
          ORDERS_DATABASE_URL: bed.ordersDatabaseUrl,
          DISPATCH_DATABASE_URL: bed.dispatchDatabaseUrl,
        },
      });

    test('it says what it erased and what remains where, and never the customer ID', async () => {
      const customerId = newCustomer();
      const order = await dispatched(customerId);
      const tried = await cli('--customer', customerId, '--dry-run', '--json');
      expect(tried.exitCode).toBe(0);
      expect(JSON.parse(tried.stdout)).toMatchObject({
        dryRun: true,
        orderIds: [order.orderId],
        rows: { orders: 1, inbox: 0 },
        remains: { temporal: { retentionMs: DAY_MS }, rabbitmq: expect.any(Array) },
      });
      expect(await erasedAt(order)).toBeNull();
      const erased = await cli('--customer', customerId);
      expect(erased.exitCode).toBe(0);
      expect(erased.stdout).toMatch(/^rows blanked +orders 1$/m);
      expect(unwrapped(erased.stdout)).toContain(
        `namespace ${bed.namespace} keeps histories for 1 d 0 h`,
      );
      expect(unwrapped(erased.stdout)).toContain(
        `temporal workflow delete --workflow-id ${dispatchOrderWorkflowId(order.orderId)} --address ${bed.stack.temporalAddress} --namespace ${bed.namespace}`,
      );
      expect(unwrapped(erased.stdout)).toContain(
        'supplement.requests: the copy of a request stays until',
      );
      for (const { stdout, stderr } of [tried, erased]) {
        expect(stdout + stderr).not.toContain(customerId);
      }
      expect(await erasedAt(order)).toBeInstanceOf(Date);
    });

    test('again, it says only what is left: what came since, and what remains', async () => {
      const customerId = newCustomer();
      const order = await dispatched(customerId);
      await cli('--customer', customerId);
      const [counts = '', remains = ''] = (await cli('--customer', customerId)).stdout.split(
        '\n\n',
      );
      expect(counts).toMatch(/^orders of the customer +1, all erased before$/m);
      expect(counts).toMatch(/^rows blanked +none: nothing was left$/m);
      expect(counts).not.toContain(order.orderId);
      expect(remains).toContain(dispatchOrderWorkflowId(order.orderId));
      const late = await dispatched(customerId);
      const more = await cli('--customer', customerId);
      expect(more.stdout).toMatch(
        new RegExp(`^orders of the customer +2, 1 of them erased before\n +${late.orderId}$`, 'm'),
      );
      expect(more.stdout).toMatch(/^rows blanked +orders 1$/m);
    });

    test('what is not settled is listed with the command that settles it, and exits with 1', async () => {
      const customerId = newCustomer();
      const placed = await seed(customerId, { status: 'placed' });
      const waits = await seed(customerId, { status: 'escalated', escalationReason: 'rejected' });
      const refused = await cli('--customer', customerId);
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
      expect(unwrapped(refused.stderr)).toContain(
        `order-dispatch cancel ${placed.orderId} --actor`,
      );
      expect(unwrapped(refused.stderr)).toContain(`order-dispatch tasks show ${waits.orderId}`);
      expect(errorLine(refused)).toMatch(
        /error: ErasureRefused: nothing was erased: 2 of the customer's orders must be settled first$/,
      );
      const asJson = await cli('--customer', customerId, '--json');
      expect(asJson.exitCode).toBe(1);
      expect(JSON.parse(asJson.stdout)).toMatchObject({
        refused: true,
        unsettled: [{ what: `order ${placed.orderId}`, is: 'placed' }, {}],
      });
    });

    test('an unknown customer is no error, but is told', async () => {
      const unknown = await cli('--customer', newCustomer());
      expect(unknown.exitCode).toBe(0);
      expect(unknown.stdout).toMatch(/^orders of the customer +none: check the customer ID$/m);
    });

    test('with Temporal away nothing is erased', async () => {
      const customerId = newCustomer();
      const order = await seed(customerId, {});
      const away = await cli('--customer', customerId, '--address', '127.0.0.1:1');
      expect(away).toMatchObject({ exitCode: 3, stdout: '' });
      expect(await erasedAt(order)).toBeNull();
    });
  });
});
