import { randomUUID } from 'node:crypto';
import type { OrderHandle, PolicyOverrides } from '../../client';
import type { Decide } from '../../dispatch-system/decide';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { contentHash } from '../../domain/content-hash';
import { EXCHANGES } from '../../domain/amqp-names';
import { MalformedMessage } from '../../domain/errors';
import type { Order } from '../../domain/order';
import { DEFAULT_POLICY } from '../../domain/policy';
import { Comparison } from '../../reconciliation/comparison';
import { sweep } from '../../reconciliation/sweep';
import {
  TASK_QUEUES,
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../../domain/temporal-names';
import {
  askPerson,
  eventually,
  lockAwaited,
  newOrder,
  setup,
  withConnection,
  type TestBed,
} from '../setup';

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };
/** Asks again soon, and until there is an answer. */
const PERSISTENT: PolicyOverrides = {
  acknowledgementTimeoutMs: 500,
  initialIntervalMs: 100,
  maximumIntervalMs: 500,
  maximumAttempts: 1_000,
};

const BY_ANA = { actor: 'ana', note: 'looked into it' };
const HOUR_MS = 3_600_000;

describe('reconciliation', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
    await bed.startSupplementSystem({ graceMs: 1_500 });
  });
  afterAll(() => bed.close());

  const place = async (decide?: Decide, policy?: PolicyOverrides) => {
    const order = newOrder();
    if (decide) bed.script(order.orderId, decide);
    return { order, handle: await bed.client.placeOrder(order, policy ? { policy } : {}) };
  };
  const publishCopy = (order: Order, fields: { appId?: string; contentHash: string }) =>
    bed.publisher.publish({
      exchange: EXCHANGES.requests,
      routingKey: DISPATCH_REQUEST_TYPE,
      type: DISPATCH_REQUEST_TYPE,
      messageId: `${order.orderId}.1`,
      appId: fields.appId ?? 'order-dispatch',
      headers: {},
      content: Buffer.from(
        JSON.stringify({
          requestId: `${order.orderId}.1`,
          orderId: order.orderId,
          dispatchBy: new Date(Date.now() + HOUR_MS).toISOString(),
          contentHash: fields.contentHash,
          order,
        }),
      ),
    });
  const rowOf = (orderId: string) => bed.orders.order.findUnique({ where: { orderId } });
  const dispatchesOf = (orderId: string) =>
    bed.dispatches.dispatch.findMany({ where: { orderId } });
  const repairOf = (orderId: string) =>
    eventually(async () => (await bed.orders.repair.findFirst({ where: { orderId } })) ?? false, {
      what: `a repair of ${orderId}`,
    });
  const haveLiveDispatch = (orderId: string, courierId = 'courier-9') =>
    bed.dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId },
    });
  const terminate = async ({ orderId }: OrderHandle) => {
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).terminate('by a test');
  };
  const findingTask = (orderId: string) =>
    eventually(
      async () => {
        for await (const task of bed.client.humanTasks()) {
          if (task.taskId === reconcileOrderWorkflowId(orderId)) return task;
        }
        return false;
      },
      { what: `a finding about ${orderId}` },
    );
  const reconciled = (orderId: string) =>
    bed.temporal.workflow.getHandle(reconcileOrderWorkflowId(orderId)).result() as Promise<{
      done: string;
      resolvedBy: string | null;
    }>;

  test.concurrent.each([
    ['alone', false],
    ['and its ledger', true],
  ])(
    'an order row deleted after its request went out, %s, comes back with its content and ends dispatched, once',
    async (_what, withLedger) => {
      const { order, handle } = await place();
      const { courierId } = await handle.result();
      const { orderId } = order;
      await bed.orders.order.delete({ where: { orderId } });
      if (withLedger) await bed.orders.acknowledgement.deleteMany({ where: { orderId } });
      // The copy again: on a busy machine, the first may have been looked at before the row was gone.
      await publishCopy(order, { contentHash: contentHash(order) });

      const row = await eventually(async () => {
        const found = await rowOf(orderId);
        return found?.status === 'dispatched' && found;
      });
      expect(row).toMatchObject({ courierId, dispatchedBy: 'acknowledgement', order });
      expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'live', courierId }]);
      expect(await repairOf(orderId)).toMatchObject({
        done: 'restarted',
        provenance: `${orderId}.1`,
      });
    },
  );

  test.concurrent(
    'an order row deleted while its workflow waits comes back by itself',
    async () => {
      const { order, handle } = await place(() => ({ kind: 'staySilent' }), {
        ...PERSISTENT,
        quickWindowMs: 0,
      });
      await eventually(async () => (await rowOf(order.orderId))?.attempts);
      await bed.orders.order.delete({ where: { orderId: order.orderId } });
      bed.script(order.orderId, () => ({ kind: 'accept', courierId: 'courier-4' }));
      expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-4' });
      expect(await rowOf(order.orderId)).toMatchObject({ status: 'dispatched' });
    },
  );

  test.concurrent(
    'a dispatch that should not be is withdrawn with the patience of its order, not with the default',
    async () => {
      const { order, handle } = await place(undefined, PERSISTENT);
      const { orderId } = order;
      await handle.result();
      await handle.cancel(BY_ANA);
      await haveLiveDispatch(orderId, 'courier-8');
      // Its stored answer is lost, too, and the first withdrawal is met with silence.
      await bed.dispatches.inboxEntry.deleteMany({ where: { orderId } });
      const askedAt: number[] = [];
      bed.script(orderId, () => {
        askedAt.push(Date.now());
        return askedAt.length === 1 ? { kind: 'staySilent' } : { kind: 'withdraw' };
      });
      await bed.client.reconcile(orderId, { actor: 'ana' });
      expect(await repairOf(orderId)).toMatchObject({ done: 'withdrawn' });
      expect(await dispatchesOf(orderId)).not.toContainEqual(
        expect.objectContaining({ status: 'live' }),
      );
      const [first = 0, second = Infinity] = askedAt;
      expect(second - first).toBeLessThan(DEFAULT_POLICY.acknowledgementTimeoutMs);
    },
  );

  test.concurrent(
    'a lost answer is delivered: the order whose workflow is gone is dispatched with its courier',
    async () => {
      const { order, handle } = await place(() => ({ kind: 'staySilent' }), PATIENT);
      await bed.asked(`${order.orderId}.1`);
      await haveLiveDispatch(order.orderId);
      await terminate(handle);
      await bed.client.reconcile(order.orderId, { actor: 'ana' });
      expect(await repairOf(order.orderId)).toMatchObject({ done: 'restarted' });
      expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-9' });
      expect(await dispatchesOf(order.orderId)).toHaveLength(1);
    },
  );

  test.concurrent('a late acceptance of a cancelled order is withdrawn', async () => {
    const { order, handle } = await place(({ kind, ...question }) => {
      if (kind === 'withdrawal') return { kind: 'withdraw' };
      const isFirst = 'request' in question && question.request.requestId.endsWith('.1');
      return isFirst ? { kind: 'staySilent' } : { kind: 'reject', rejectionCode: 'outOfZone' };
    }, PATIENT);
    const { orderId } = order;
    await askPerson(bed, handle);
    await handle.resolve({ decision: 'retry', ...BY_ANA });
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    await haveLiveDispatch(orderId);
    await bed.acknowledge({
      requestId: `${orderId}.1`,
      outcome: 'accepted',
      courierId: 'courier-9',
    });
    expect(await repairOf(orderId)).toMatchObject({
      found: 'the order is cancelled, but a courier is on the way',
      done: 'withdrawn',
    });
    expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'withdrawn' }]);
    expect(await rowOf(orderId)).toMatchObject({ status: 'cancelled' });
  });

  test.concurrent(
    'two answers that contradict each other change nothing and become a human task',
    async () => {
      const { order, handle } = await place();
      const { courierId } = await handle.result();
      await bed.acknowledge({
        requestId: `${order.orderId}.1`,
        outcome: 'accepted',
        courierId: 'another-courier',
      });
      const task = await findingTask(order.orderId);
      expect(task).toMatchObject({ orderId: order.orderId, escalationReason: 'discrepancy' });
      expect(await rowOf(order.orderId)).toMatchObject({ courierId });
      await expect(
        bed.client.resolveTask(task.taskId, { decision: 'retry', ...BY_ANA }),
      ).rejects.toMatchObject({ code: 'ResolutionRefused' });
      await bed.client.resolveTask(task.taskId, { decision: 'keep', ...BY_ANA });
      expect(await reconciled(order.orderId)).toMatchObject({ done: 'kept', resolvedBy: 'ana' });
      expect(await repairOf(order.orderId)).toMatchObject({ done: 'kept', actor: 'ana' });
    },
  );

  test.concurrent(
    'a dispatched order whose courier is gone is a person’s to decide; what is kept is not raised again',
    async () => {
      const { order, handle } = await place();
      await handle.result();
      const { orderId } = order;
      await bed.dispatches.dispatch.updateMany({
        where: { orderId },
        data: { status: 'withdrawn' },
      });
      const looked = bed.client.reconcile(orderId, { actor: 'ana' });
      const { taskId } = await findingTask(orderId);
      await bed.client.resolveTask(taskId, { decision: 'keep', ...BY_ANA });
      await looked;
      expect(await bed.client.reconcile(orderId, { actor: 'ana' })).toMatchObject({
        done: 'nothing',
      });
      expect(await bed.orders.repair.count({ where: { orderId } })).toBe(1);
    },
  );

  test.concurrent(
    'a person’s withdraw that is refused is not called done: the task opens again',
    async () => {
      const { order, handle } = await place(({ kind }) =>
        kind === 'withdrawal'
          ? { kind: 'refuseWithdrawal' }
          : { kind: 'accept', courierId: 'courier-2' },
      );
      const { orderId } = order;
      await handle.result();
      await bed.orders.order.update({ where: { orderId }, data: { courierId: 'courier-1' } });
      const looked = bed.client.reconcile(orderId, { actor: 'ana' });
      const { taskId, escalatedAt } = await findingTask(orderId);
      await bed.client.resolveTask(taskId, { decision: 'withdraw', ...BY_ANA });
      await eventually(async () => (await findingTask(orderId)).escalatedAt > escalatedAt);
      await bed.client.resolveTask(taskId, { decision: 'keep', ...BY_ANA });
      await looked;
      expect(await repairOf(orderId)).toMatchObject({ done: 'kept' });
      const inTime = { where: { orderId }, orderBy: { openedAt: 'asc' } } as const;
      const task = { taskId, kind: 'discrepancy', closedBy: 'person', actor: 'ana' };
      expect(await bed.orders.humanTask.findMany(inTime)).toMatchObject([
        { ...task, openedAt: escalatedAt, decision: 'withdraw' },
        { ...task, decision: 'keep' },
      ]);
      expect(
        await bed.orders.auditEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } }),
      ).toMatchObject([
        { act: 'reconcile', actor: 'ana', via: 'sdk' },
        { act: 'resolve', decision: 'withdraw', via: 'sdk' },
        { act: 'resolve', decision: 'keep', via: 'sdk' },
      ]);
    },
  );

  test.concurrent(
    'a refused withdrawal after markDispatched keeps the person’s courier, and becomes a human task',
    async () => {
      const { order, handle } = await place(
        ({ kind }) =>
          kind === 'withdrawal' ? { kind: 'refuseWithdrawal' } : { kind: 'staySilent' },
        PATIENT,
      );
      const { orderId } = order;
      await askPerson(bed, handle);
      await haveLiveDispatch(orderId);
      await handle.resolve({ decision: 'markDispatched', courierId: 'by-hand', ...BY_ANA });
      expect(await handle.result()).toMatchObject({ courierId: 'by-hand', dispatchedBy: 'person' });
      const { taskId } = await findingTask(orderId);
      await bed.client.resolveTask(taskId, { decision: 'keep', ...BY_ANA });
      await reconciled(orderId);
      expect(await rowOf(orderId)).toMatchObject({ status: 'dispatched', courierId: 'by-hand' });
    },
  );

  test.concurrent(
    'what a late answer brings up waits for the end of the workflow that owns the order',
    async () => {
      const { handle } = await place(() => ({ kind: 'staySilent' }), PATIENT);
      const { orderId } = handle;
      await askPerson(bed, handle);
      // As if a dispatch had come between the cancellation and the end of the workflow.
      await haveLiveDispatch(orderId);
      await bed.temporal.workflow.signalWithStart('reconcileOrder', {
        taskQueue: TASK_QUEUES.main,
        workflowId: reconcileOrderWorkflowId(orderId),
        args: [{ orderId, trigger: 'late', provenance: 'a test' }],
        signal: 'found',
        signalArgs: [{ orderId, trigger: 'late', provenance: 'a test' }],
      });
      // The first look finds the owner at work.
      await eventually(async () => {
        const { historyLength } = await bed.temporal.workflow
          .getHandle(reconcileOrderWorkflowId(orderId))
          .describe();
        return historyLength > 15;
      });
      await terminate(handle);
      await bed.orders.order.update({
        where: { orderId },
        data: { status: 'cancelled', escalationReason: null, escalatedAt: null },
      });
      bed.script(orderId, () => ({ kind: 'withdraw' }));
      expect(await reconciled(orderId)).toMatchObject({ done: 'withdrawn' });
      expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'withdrawn' }]);
    },
  );

  test.concurrent(
    'a finding that comes while a person decides about another is looked at when that one is settled',
    async () => {
      const { order, handle } = await place();
      const { orderId } = order;
      await handle.result();
      await publishCopy({ ...order, note: 'changed' }, { contentHash: 'another' });
      const first = await findingTask(orderId);
      const { runId } = await bed.temporal.workflow.getHandle(first.taskId).describe();
      const found = { orderId, trigger: 'conflicting', provenance: 'a second answer' };
      await bed.temporal.workflow.getHandle(first.taskId).signal('found', found);
      // A query is answered after the signal was taken: the task that is open is still the first one's.
      expect((await findingTask(orderId)).escalatedAt).toEqual(first.escalatedAt);
      expect(await bed.orders.repair.count({ where: { orderId } })).toBe(0);
      // The second is looked at once the first's repair is recorded. The row changes before that, so that it is
      // not what was kept.
      await bed.orders.$executeRaw`
        CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END'`;
      await bed.orders.$executeRawUnsafe(`
        CREATE TRIGGER wait_for_test BEFORE INSERT ON repairs FOR EACH ROW
          WHEN (NEW.order_id = '${orderId}') EXECUTE FUNCTION wait_for_test()`);
      await withConnection(bed.ordersDatabaseUrl, async (gate) => {
        await gate.query('SELECT pg_advisory_lock(4711)');
        await bed.client.resolveTask(first.taskId, { decision: 'keep', ...BY_ANA });
        const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted`;
        await eventually(async () => (await gate.query(waits)).rows.length > 0);
        await bed.orders.order.update({ where: { orderId }, data: { courierId: 'courier-9' } });
      });
      const second = await eventually(async () => {
        const task = await findingTask(orderId);
        return task.escalatedAt > first.escalatedAt && task;
      });
      expect((await bed.temporal.workflow.getHandle(second.taskId).describe()).runId).toBe(runId);
      await bed.client.resolveTask(second.taskId, { decision: 'keep', actor: 'bo', note: 'both' });
      expect(await reconciled(orderId)).toMatchObject({ done: 'kept', resolvedBy: 'bo' });
      expect(
        await bed.orders.repair.findMany({ where: { orderId }, orderBy: { id: 'asc' } }),
      ).toMatchObject([
        { found: 'the contents differ', provenance: `${orderId}.1`, actor: 'ana' },
        {
          found: 'two answers contradict each other',
          provenance: 'a second answer',
          actor: 'bo',
        },
      ]);
    },
  );

  describe('an acceptance that comes while the two databases are compared is no suspect', () => {
    const compare = ({ orderId }: OrderHandle) =>
      Comparison.read([{ orderId, trigger: 'sweep', provenance: 'a test' }], {
        ...bed.databases,
        temporal: bed.temporal,
      });
    const placeSilent = async () => {
      const { handle } = await place(() => ({ kind: 'staySilent' }), PATIENT);
      await bed.asked(`${handle.orderId}.1`);
      return handle;
    };

    test('where the order’s row is not read yet', async () => {
      const handle = await placeSilent();
      const { orderId } = handle;
      // No workflow owns it: only the rows say whether it is in order.
      await terminate(handle);
      const { reading } = await bed.orders.$transaction(async (rows) => {
        await rows.$executeRaw`LOCK TABLE orders`;
        const comparison = compare(handle);
        await lockAwaited(bed.orders);
        await haveLiveDispatch(orderId);
        await rows.order.update({
          where: { orderId },
          data: { status: 'dispatched', dispatchedBy: 'acknowledgement', courierId: 'courier-9' },
        });
        return { reading: comparison };
      });
      expect(await (await reading).reconcileIfSuspect(orderId)).toBe(false);
    });

    test('where the order’s row is read already', async () => {
      const handle = await placeSilent();
      const { orderId } = handle;
      const { reading } = await bed.dispatches.$transaction(async (rows) => {
        await rows.$executeRaw`LOCK TABLE dispatches`;
        const comparison = compare(handle);
        await lockAwaited(bed.dispatches);
        await rows.dispatch.create({
          data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-9' },
        });
        await bed.acknowledge({
          requestId: `${orderId}.1`,
          outcome: 'accepted',
          courierId: 'courier-9',
        });
        // To its end: its workflow does not own it any more.
        await handle.result();
        return { reading: comparison };
      });
      expect(await (await reading).reconcileIfSuspect(orderId)).toBe(false);
    });
  });

  test.concurrent(
    'a finding that nothing can start again is not offered to be, and a decision that fails says so',
    async () => {
      const orderId = newOrder().orderId;
      await haveLiveDispatch(orderId);
      bed.script(orderId, () => {
        throw new MalformedMessage('the withdrawal cannot be read');
      });
      const looked = bed.client.reconcile(orderId, { actor: 'ana' });
      await findingTask(orderId);
      const handle = bed.temporal.workflow.getHandle(reconcileOrderWorkflowId(orderId));
      const { humanTask } = await handle.query<{ humanTask?: { decisions: string[] } }>('status');
      expect(humanTask?.decisions).toEqual(['keep', 'withdraw']);
      await expect(
        bed.client.resolveTask(reconcileOrderWorkflowId(orderId), {
          decision: 'withdraw',
          ...BY_ANA,
        }),
      ).rejects.toMatchObject({
        code: 'ResolutionRefused',
        message: expect.stringContaining('withdraw (ana) could not be carried out') as string,
      });
      await eventually(async () => {
        const { currentDetails = '' } = await handle.query<{ currentDetails?: string }>(
          '__temporal_workflow_metadata',
        );
        return currentDetails.includes('withdraw (ana) could not be carried out');
      });
      await bed.client.resolveTask(reconcileOrderWorkflowId(orderId), {
        decision: 'keep',
        ...BY_ANA,
      });
      // Whatever else looks at it meanwhile, such as the sweep of another test, comes after the decision.
      await looked;
      expect(await bed.orders.repair.findMany({ where: { orderId, done: 'kept' } })).toMatchObject([
        { actor: 'ana' },
      ]);
    },
  );

  test.concurrent(
    'a lost order whose withdrawal was answered comes back cancelled, not dispatched',
    async () => {
      const { order, handle } = await place();
      await handle.result();
      await handle.cancel({ actor: 'customer', note: 'changed their mind' });
      await bed.orders.order.delete({ where: { orderId: order.orderId } });
      await publishCopy(order, { contentHash: contentHash(order) });
      const row = await eventually(async () => {
        const found = await rowOf(order.orderId);
        return (found?.status === 'cancelled' || found?.status === 'dispatched') && found;
      });
      expect(row.status).toBe('cancelled');
    },
  );

  test.concurrent.each([
    ['quick', 1_000],
    ['durable', 0],
  ])(
    'a lost order whose request took the %s path comes back with its policy',
    async (_path, quickWindowMs) => {
      const policy = { quickWindowMs, maximumAttempts: 7, onRejection: 'escalate' as const };
      const { order, handle } = await place(undefined, policy);
      await handle.result();
      await bed.orders.order.delete({ where: { orderId: order.orderId } });
      await bed.orders.acknowledgement.deleteMany({ where: { orderId: order.orderId } });
      const row = await eventually(async () => (await rowOf(order.orderId)) ?? false);
      expect(row.policy).toMatchObject(policy);
    },
  );

  test.concurrent('a cancellation whose workflow is gone is finished', async () => {
    const { order, handle } = await place(({ kind }) =>
      kind === 'withdrawal' ? { kind: 'staySilent' } : { kind: 'accept', courierId: 'courier-2' },
    );
    const { orderId } = order;
    await handle.result();
    const cancelled = handle.cancel({ actor: 'customer', note: 'no more' }).catch(() => {});
    await eventually(async () => (await rowOf(orderId))?.status === 'cancelling');
    bed.script(orderId, () => ({ kind: 'withdraw' }));
    await bed.temporal.workflow.getHandle(cancelOrderWorkflowId(orderId)).terminate('by a test');
    await cancelled;
    await bed.client.reconcile(orderId, { actor: 'ana' });
    await eventually(async () => (await rowOf(orderId))?.status === 'cancelled');
    expect(await repairOf(orderId)).toMatchObject({ done: 'restarted' });
    expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'withdrawn' }]);
  });

  test('a sweep finds an order whose workflow is gone and a courier nobody asked for, and nothing else', async () => {
    const silent: Decide = () => ({ kind: 'staySilent' });
    const { order, handle } = await place(silent, PATIENT);
    const waiting = await place(silent, PATIENT);
    const fine = await place();
    await fine.handle.result();
    // Not before: a request that is still on its way would get the answer that is scripted below.
    for (const { orderId } of [order, waiting.order]) await bed.asked(`${orderId}.1`);
    await terminate(handle);
    const stray = `o-${randomUUID()}`;
    await haveLiveDispatch(stray);
    bed.script(order.orderId, () => ({ kind: 'accept', courierId: 'courier-7' }));

    const swept = await sweep({
      ...bed.databases,
      temporal: bed.temporal,
      from: new Date(Date.now() - HOUR_MS),
      until: new Date(Date.now() + 1_000),
      pageSize: 3,
    });
    expect(swept.found).toEqual(expect.arrayContaining([order.orderId, stray]));
    for (const { orderId } of [waiting.order, fine.order]) {
      expect(swept.found).not.toContain(orderId);
    }
    expect(await repairOf(order.orderId)).toMatchObject({ done: 'restarted' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched' });
    expect(await findingTask(stray)).toMatchObject({ escalationReason: 'discrepancy' });
    await waiting.handle.cancel({ actor: 'ana', note: 'done' });
  });

  test('a sweep makes the list of findings’ tasks agree with their workflows', async () => {
    const contradict = async () => {
      const { order, handle } = await place();
      await handle.result();
      const requestId = `${order.orderId}.1`;
      await bed.acknowledge({ requestId, outcome: 'accepted', courierId: 'another-courier' });
      return findingTask(order.orderId);
    };
    const [listed, missed, ended] = [await contradict(), await contradict(), await contradict()];
    const rowsOf = (task: { taskId: string }) =>
      bed.orders.humanTask.findMany({ where: { taskId: task.taskId } });
    for (const task of [listed, missed, ended]) {
      await eventually(async () => (await rowsOf(task)).length === 1);
    }
    // As of a finding that began before there were rows, and of one that somebody terminated.
    await bed.orders.humanTask.delete({
      where: { taskId_openedAt: { taskId: missed.taskId, openedAt: missed.escalatedAt } },
    });
    await bed.temporal.workflow.getHandle(ended.taskId).terminate('by a test');
    const now = Date.now();
    const run = (until: number) =>
      sweep({
        ...bed.databases,
        temporal: bed.temporal,
        from: new Date(listed.escalatedAt.getTime() - 60_000),
        until: new Date(until),
      });
    // What was opened after the window is left alone: it may be half-way.
    expect((await run(listed.escalatedAt.getTime() - 1)).tasks).toEqual({ listed: 0, unlisted: 0 });
    await eventually(async () => {
      await run(now);
      const [[missedRow], [endedRow]] = [await rowsOf(missed), await rowsOf(ended)];
      return missedRow && endedRow?.closedBy === 'cancellation';
    });
    expect(await rowsOf(missed)).toMatchObject([
      {
        kind: 'discrepancy',
        openedAt: missed.escalatedAt,
        orderId: missed.orderId,
        closedAt: null,
      },
    ]);
    expect(await rowsOf(listed)).toMatchObject([{ closedAt: null }]);
    for (const { taskId } of [listed, missed]) {
      await bed.client.resolveTask(taskId, { decision: 'keep', ...BY_ANA });
    }
    await eventually(async () => (await rowsOf(missed))[0]?.closedBy === 'person');
  });

  test.concurrent(
    'a request of a stranger’s is a person’s to decide; restart makes it an order',
    async () => {
      const order = newOrder();
      await publishCopy(order, { appId: 'somebody-else', contentHash: 'h' });
      const { taskId } = await findingTask(order.orderId);
      expect(await rowOf(order.orderId)).toBeNull();
      await bed.client.resolveTask(taskId, { decision: 'restart', ...BY_ANA });
      expect(await bed.client.getOrder(order.orderId).result()).toMatchObject({
        status: 'dispatched',
      });
      expect(await repairOf(order.orderId)).toMatchObject({ done: 'restarted', actor: 'ana' });
    },
  );

  test.concurrent('a copy with other content than the order is a person’s to decide', async () => {
    const { order, handle } = await place();
    await handle.result();
    await publishCopy({ ...order, note: 'changed' }, { contentHash: 'another' });
    const { taskId } = await findingTask(order.orderId);
    await bed.client.resolveTask(taskId, { decision: 'keep', ...BY_ANA });
    expect(await rowOf(order.orderId)).toMatchObject({ order });
  });
});
