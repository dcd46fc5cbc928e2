import { recordAcknowledgement } from '../../database/orders/acknowledgements';
import {
  applyResolution,
  cancelRejected,
  escalate,
  escalateWithdrawal,
  retryWithdrawal,
  startCancellation,
} from '../../database/orders/change-order';
import {
  openOrdersDatabase,
  prismaOf,
  type OrdersDatabase,
} from '../../database/orders/connection';
import { insertOrRead } from '../../database/orders/record-order';
import { contentHash } from '../../domain/content-hash';
import { CLAIM_LEASE_MS } from '../../domain/human-task';
import type { Order } from '../../domain/order';
import { DEFAULT_POLICY } from '../../domain/policy';
import type { Resolution } from '../../domain/resolution';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { eraseCustomer } from '../../operations/erase';
import {
  claim,
  listTasks,
  note,
  release,
  snooze,
  type HumanTaskList,
} from '../../operations/human-tasks';
import { prune } from '../../operations/prune';
import { DEFAULT_RETENTION } from '../../operations/prune-retention';
import { openOrdersRows, type OrdersRows } from '../rows';
import {
  createSurroundings,
  lockAwaited,
  newOrder,
  withConnection,
  type Surroundings,
} from '../setup';

const MIA = { actor: 'mia', note: 'by phone', via: 'cli' } as const;

describe('what follows an order in its database:', () => {
  let surroundings: Surroundings;
  let database: OrdersDatabase;
  let rows: OrdersRows;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    database = openOrdersDatabase({ url: surroundings.ordersDatabaseUrl });
    rows = openOrdersRows(surroundings.ordersDatabaseUrl);
  });
  afterAll(async () => {
    await database.close();
    await rows.$disconnect();
    await surroundings.remove();
  });

  const placed = async (fields: Partial<Order> = {}): Promise<string> => {
    const order = newOrder(fields);
    await insertOrRead(
      database,
      {
        order,
        contentHash: contentHash(order),
        policy: { ...DEFAULT_POLICY, taskDueMs: 60_000 },
        dispatchBy: new Date(Date.now() + 60_000).toISOString(),
      },
      { attempt: true },
    );
    return order.orderId;
  };
  const escalated = async (at = new Date().toISOString()): Promise<string> => {
    const orderId = await placed();
    await escalateNow(orderId, at);
    return orderId;
  };
  const escalateNow = (orderId: string, at: string) =>
    escalate(database, { orderId, requestNumber: 1, escalationReason: 'noAcknowledgement', at });
  const accept = (orderId: string) =>
    recordAcknowledgement(database, `answer-to-${orderId}`, {
      requestId: `${orderId}.1`,
      orderId,
      outcome: 'accepted',
      courierId: 'courier-1',
      decidedAt: new Date().toISOString(),
    });
  const resolve = (orderId: string, resolution: Pick<Resolution, 'decision' | 'courierId'>) =>
    applyResolution(database, {
      orderId,
      resolution: { ...MIA, ...resolution },
      at: new Date().toISOString(),
      dispatchBy: new Date(Date.now() + 60_000).toISOString(),
    });
  const tasksOf = (orderId: string) =>
    rows.humanTask.findMany({ where: { orderId }, orderBy: { openedAt: 'asc' } });
  const auditOf = (orderId: string) =>
    rows.auditEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } });
  const eventsOf = async (orderId: string) => {
    const events = await rows.outcomeEvent.findMany({
      where: { subject: orderId },
      orderBy: { id: 'asc' },
    });
    return events.map(({ type }) => type);
  };

  test('an order that is dispatched at once has one event and no task', async () => {
    const orderId = await placed();
    await accept(orderId);
    await accept(orderId);
    expect(await eventsOf(orderId)).toEqual(['order.dispatched.v1']);
    expect(await tasksOf(orderId)).toEqual([]);
    expect(await auditOf(orderId)).toEqual([]);
  });

  test('an escalation opens a task, due by the policy of the order', async () => {
    const at = new Date('2026-11-25T12:00:00.000Z');
    const orderId = await escalated(at.toISOString());
    expect(await tasksOf(orderId)).toEqual([
      expect.objectContaining({
        taskId: dispatchOrderWorkflowId(orderId),
        openedAt: at,
        kind: 'order',
        escalationReason: 'noAcknowledgement',
        restaurantId: newOrder().restaurantId,
        dueAt: new Date('2026-11-25T12:01:00.000Z'),
        overdueAt: new Date('2026-11-25T12:10:00.000Z'),
        closedAt: null,
      }),
    ]);
    await escalateNow(orderId, new Date().toISOString());
    expect(await tasksOf(orderId)).toHaveLength(1);
    expect(await eventsOf(orderId)).toEqual(['order.escalated.v1']);
  });

  test('a resolution closes the task with who, why and which way, and is in the audit once', async () => {
    const orderId = await escalated();
    await resolve(orderId, { decision: 'markDispatched', courierId: 'bike-7' });
    await resolve(orderId, { decision: 'markDispatched', courierId: 'bike-8' });
    const act = { decision: 'markDispatched', ...MIA };
    expect(await tasksOf(orderId)).toMatchObject([{ closedBy: 'person', ...act }]);
    const taskId = dispatchOrderWorkflowId(orderId);
    expect(await auditOf(orderId)).toMatchObject([{ act: 'resolve', taskId, ...act }]);
    expect(await eventsOf(orderId)).toEqual([
      'order.escalated.v1',
      'human-task.closed.v1',
      'order.dispatched.v1',
    ]);
  });

  const BY_A_PERSON = { status: 'dispatched', dispatchedBy: 'person', courierId: 'by-hand' };
  test.each([
    ['markDispatched', BY_A_PERSON, 'resolve', 'person'],
    ['cancel', { status: 'cancelling' }, 'cancel', 'cancellation'],
  ])(
    'the %s that a worker of the last release writes closes the task and is in the audit, once',
    async (decision, change, act, closedBy) => {
      const orderId = await escalated();
      const by = { decision, decidedBy: 'ana', decisionNote: 'by phone', decidedAt: new Date() };
      const data = { ...by, ...change, escalationReason: null, escalatedAt: null };
      await rows.order.update({ where: { orderId }, data });
      await rows.order.update({ where: { orderId }, data: { attempts: 2 } });
      const told = { decision, actor: 'ana', note: 'by phone', via: 'temporal' };
      expect(await rows.humanTask.findMany({ where: { orderId } })).toMatchObject([
        { ...told, closedBy },
      ]);
      expect(await rows.auditEntry.findMany({ where: { orderId } })).toMatchObject([
        { ...told, act },
      ]);
    },
  );

  test('each task of an order has a row of its own', async () => {
    const orderId = await escalated();
    await resolve(orderId, { decision: 'retry' });
    await escalate(database, {
      orderId,
      requestNumber: 2,
      escalationReason: 'brokerUnavailable',
      at: new Date().toISOString(),
    });
    expect(await tasksOf(orderId)).toMatchObject([
      { closedBy: 'person', decision: 'retry', escalationReason: 'noAcknowledgement' },
      { closedBy: null, escalationReason: 'brokerUnavailable' },
    ]);
  });

  test('an answer closes the task, and nobody is said to have decided', async () => {
    const orderId = await escalated();
    await accept(orderId);
    expect(await tasksOf(orderId)).toMatchObject([
      { closedBy: 'answer', actor: null, decision: null },
    ]);
    expect(await auditOf(orderId)).toEqual([]);
  });

  test('a cancellation closes the task as such; a rejection that ends the order, as an answer', async () => {
    const orderId = await escalated();
    const at = new Date().toISOString();
    await startCancellation(database, { orderId, request: MIA, at });
    expect(await tasksOf(orderId)).toMatchObject([{ closedBy: 'cancellation', actor: 'mia' }]);
    expect(await auditOf(orderId)).toMatchObject([{ act: 'cancel', ...MIA }]);

    const rejected = await escalated();
    await cancelRejected(database, {
      orderId: rejected,
      requestNumber: 1,
      rejectionCode: 'outOfZone',
    });
    expect(await tasksOf(rejected)).toMatchObject([{ closedBy: 'answer' }]);
    expect(await eventsOf(rejected)).toEqual([
      'order.escalated.v1',
      'human-task.closed.v1',
      'order.cancelled.v1',
    ]);
  });

  test("a withdrawal's task has its own kind, and its retry is in the audit", async () => {
    const orderId = await placed();
    const at = new Date().toISOString();
    await startCancellation(database, { orderId, request: MIA, at });
    await escalateWithdrawal(database, { orderId, at, taskId: `cancel-order/${orderId}` });
    const resolution = { decision: 'retry', actor: 'ben', note: 'again' } as const;
    await retryWithdrawal(database, { orderId, resolution, at: new Date().toISOString() });
    expect(await tasksOf(orderId)).toMatchObject([
      {
        taskId: `cancel-order/${orderId}`,
        kind: 'withdrawal',
        escalationReason: 'withdrawalFailed',
        closedBy: 'person',
        actor: 'ben',
        via: 'temporal',
      },
    ]);
    expect(await auditOf(orderId)).toMatchObject([{ actor: 'mia' }, { actor: 'ben' }]);
  });

  test('an answer that waits for an escalation to commit closes the task that it opened', async () => {
    const orderId = await placed();
    await withConnection(surroundings.ordersDatabaseUrl, async (other) => {
      await other.query('BEGIN');
      await other.query(
        `UPDATE orders SET status = 'escalated', escalation_reason = 'noAcknowledgement',
           escalated_at = now() WHERE order_id = $1`,
        [orderId],
      );
      const answer = accept(orderId);
      await lockAwaited(rows);
      await other.query('COMMIT');
      await answer;
    });
    expect(await tasksOf(orderId)).toMatchObject([{ closedBy: 'answer' }]);
    expect(await eventsOf(orderId)).toEqual([
      'order.escalated.v1',
      'human-task.closed.v1',
      'order.dispatched.v1',
    ]);
  });

  test('a change that is rolled back leaves no task, no audit and no event', async () => {
    const orderId = await placed();
    await withConnection(surroundings.ordersDatabaseUrl, async (other) => {
      await other.query('BEGIN');
      await other.query(
        `UPDATE orders SET status = 'dispatched', courier_id = 'bike-7', dispatched_by = 'person'
         WHERE order_id = $1`,
        [orderId],
      );
      await other.query('ROLLBACK');
    });
    expect(await eventsOf(orderId)).toEqual([]);
  });

  describe('people who share the open tasks:', () => {
    const BEN = { actor: 'ben', note: 'mine now', via: 'web' } as const;

    test('of two who claim a task one has it, and the other hears who and until when', async () => {
      const task = await escalated();
      const claims = await Promise.allSettled(
        [MIA, BEN].map((act) => claim(database, { task, act, takeOver: false })),
      );
      const [winner] = claims.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const [refusal] = claims.flatMap((each) =>
        each.status === 'rejected' ? [each.reason as Error] : [],
      );
      expect(winner?.claimedBy).toMatch(/^(mia|ben)$/);
      expect(refusal?.message).toContain(
        `${winner?.claimedBy} has claimed task dispatch-order/${task} until ${winner?.claimedUntil?.toISOString()}`,
      );
      expect(await auditOf(task)).toMatchObject([{ act: 'claim', actor: winner?.claimedBy }]);
    });

    test('a claim ends by itself, by its release, and by being taken over', async () => {
      const task = await escalated();
      await claim(database, { task, act: MIA, takeOver: false });
      await rows.humanTask.updateMany({
        where: { orderId: task },
        data: { claimedUntil: new Date(Date.now() - 1) },
      });
      expect(await claim(database, { task, act: BEN, takeOver: false })).toMatchObject({
        claimedBy: 'ben',
      });
      expect(await claim(database, { task, act: MIA, takeOver: true })).toMatchObject({
        claimedBy: 'mia',
      });
      await expect(release(database, { task, act: BEN })).rejects.toThrow('ben has no claim');
      await release(database, { task, act: MIA });
      const { rows: open } = await listTasks(database, { filter: { about: task }, limit: 2 });
      expect(open).toMatchObject([{ claimedBy: null }]);
      expect((await auditOf(task)).map(({ act, actor }) => `${actor} ${act}`)).toEqual([
        'mia claim',
        'ben claim',
        'mia takeOver',
        'mia release',
      ]);
    });

    test('a claim that is renewed lasts its full time from then, and is in the audit once', async () => {
      const task = await escalated();
      await claim(database, { task, act: MIA, takeOver: false });
      const claimedUntil = new Date(Date.now() + 60_000);
      await rows.humanTask.updateMany({ where: { orderId: task }, data: { claimedUntil } });
      const [before] = await rows.$queryRaw<{ at: Date }[]>`SELECT now() AS at`;
      const renewed = await claim(database, { task, act: MIA, takeOver: false });
      expect(renewed).toMatchObject({ claimedBy: 'mia' });
      expect(renewed.claimedUntil?.getTime()).toBeGreaterThanOrEqual(
        (before?.at.getTime() ?? Infinity) + CLAIM_LEASE_MS,
      );
      expect(await auditOf(task)).toMatchObject([{ act: 'claim', actor: 'mia' }]);
    });

    test('a note and a snooze are in the audit; what is snoozed is listed last in its group', async () => {
      const longAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
      const older = await escalated(longAgo(40));
      const newer = await escalated(longAgo(30));
      const listed = async () => {
        const filter = { openedBefore: new Date(longAgo(20)) };
        const { rows: open, groups } = await listTasks(database, { filter, limit: 50 });
        expect(groups).toContainEqual(
          expect.objectContaining({ escalationReason: 'noAcknowledgement' }),
        );
        return open.map(({ orderId }) => orderId).filter((id) => id === older || id === newer);
      };
      expect(await listed()).toEqual([older, newer]);
      await note(database, { task: older, act: BEN });
      const until = new Date(Date.now() + 60_000);
      await snooze(database, { task: older, act: BEN, until });
      expect(await listed()).toEqual([newer, older]);
      expect(await auditOf(older)).toMatchObject([
        { act: 'note', note: 'mine now' },
        { act: 'snooze', facts: { until: expect.stringContaining('T') as string } },
      ]);
      await expect(snooze(database, { task: older, act: BEN, until: new Date() })).rejects.toThrow(
        'is over',
      );
    });

    test('a task that is closed takes neither claim nor note', async () => {
      const task = await escalated();
      await accept(task);
      const acts = [
        () => claim(database, { task, act: MIA, takeOver: true }),
        () => note(database, { task, act: MIA }),
      ];
      for (const act of acts) await expect(act()).rejects.toThrow('no human task is open');
    });

    test('10,000 open tasks that are due at the same moment are counted, and each is on one page', async () => {
      const count = 10_000;
      await rows.$executeRaw`
        INSERT INTO human_tasks (task_id, opened_at, kind, order_id, escalation_reason, due_at, overdue_at)
        SELECT 'dispatch-order/many-' || n, now() - n * interval '1 s', 'order', 'many-' || n,
          'requestFailed', now(), now() FROM generate_series(1, ${count}::int) AS n`;
      const listed: string[] = [];
      let after: string | null = null;
      do {
        const page: HumanTaskList = await listTasks(database, {
          ...{ filter: { escalationReason: 'requestFailed' }, limit: 1_999 },
          ...(after !== null && { after }),
        });
        expect(page.matched).toBe(count);
        listed.push(...page.rows.map(({ taskId }) => taskId));
        after = page.next;
      } while (after !== null && listed.length <= count);
      expect(listed).toHaveLength(count);
      expect(new Set(listed).size).toBe(count);
    });
  });

  describe('the audit refuses changes and deletions', () => {
    const expectRefused = async (given: Pick<OrdersRows, 'auditEntry' | '$executeRaw'>) => {
      const before = await rows.auditEntry.findMany();
      expect(before.length).toBeGreaterThan(0);
      const refusal = /the audit is append-only/;
      await expect(given.auditEntry.updateMany({ data: { actor: 'x' } })).rejects.toThrow(refusal);
      await expect(given.auditEntry.deleteMany()).rejects.toThrow(refusal);
      await expect(given.$executeRaw`TRUNCATE audit`).rejects.toThrow(refusal);
      expect(await rows.auditEntry.findMany()).toEqual(before);
    };

    test('of whoever asks', async () => {
      const orderId = await escalated();
      await resolve(orderId, { decision: 'cancel' });
      await expectRefused(rows);
    });

    const now = new Date();
    /** What may change the audit, and does. */
    const KEEPERS: Record<string, (orders: OrdersDatabase) => Promise<void>> = {
      'has pruned it': async (orders) => {
        await rows.auditEntry.create({
          data: { act: 'hold', actor: 'ana', via: 'cli', at: new Date(0) },
        });
        const { tables } = await prune(
          { orders },
          { retention: DEFAULT_RETENTION, batchSize: 1_000, dryRun: false, now },
        );
        expect(tables).toContainEqual(expect.objectContaining({ table: 'audit', rows: 1 }));
      },
      'has erased from it': async (orders) => {
        const customerId = 'c-to-erase';
        const orderId = await placed({ customerId });
        await escalateNow(orderId, now.toISOString());
        await note(database, { task: orderId, act: MIA });
        await accept(orderId);
        await eraseCustomer(
          { orders },
          { customerId, actor: 'ana', note: 'asked for', dryRun: false, now },
        );
        expect(await auditOf(orderId)).toMatchObject([{ act: 'note', note: 'erased' }]);
      },
    };
    test.each(Object.keys(KEEPERS))('of a connection that %s', async (what) => {
      // Of one connection: what it keeps of a transaction, the next statement meets.
      const url = surroundings.ordersDatabaseUrl;
      const one = openOrdersDatabase({ url, maximumConnections: 1 });
      try {
        await KEEPERS[what]?.(one);
        await expectRefused(prismaOf(one));
      } finally {
        await one.close();
      }
    });
  });
});
