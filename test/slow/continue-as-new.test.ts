import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ResolutionRefused, type OrderHandle, type PolicyOverrides } from '../../client';
import { insertBulkRun } from '../../database/orders/bulk';
import type { Decide } from '../../dispatch-system/decide';
import { withdrawalIdOf } from '../../domain/request-id';
import type { ReleaseHoldInput, ReleaseResult } from '../../domain/hold';
import type { ReconcileOrderInput } from '../../domain/workflow-contract';
import {
  TASK_QUEUES,
  WORKFLOW_TYPES,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
  releaseHoldWorkflowId,
  resolveTasksWorkflowId,
} from '../../domain/temporal-names';
import { readBulk, resumeBulk } from '../../operations/bulk';
import { findTemporalCli } from '../../stack/servers/temporal-cli';
import { startTemporal } from '../../stack/servers/temporal';
import { createNamespace } from '../../stack/servers/temporal-namespace';
import { openScope, type Scope } from '../../stack/supervision/scope';
import { workflowBundlePath } from '../../worker/workflow-bundle';
import { replayToday } from '../recorded-histories';
import {
  askPerson,
  eventually,
  newOrder,
  openTask,
  setup,
  sharedServers,
  type TestBed,
} from '../setup';

/** Where this file's Temporal suggests a new run; by default it is some 4,000. */
const SUGGESTED_AT_EVENTS = 60;

const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };
const BY_ANA = { actor: 'ana', note: 'by phone' };

/** On a Temporal of its own, since it has one such threshold for all namespaces. */
describe('a workflow whose history is full goes on in a new run', () => {
  let scope: Scope;
  let bed: TestBed;
  beforeAll(async () => {
    scope = openScope(join(__dirname, '..', '..', '.local'));
    const temporal = await startTemporal({
      scope,
      cli: await findTemporalCli(scope, () => {}),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': SUGGESTED_AT_EVENTS },
    });
    bed = await setup({ servers: { ...sharedServers(), temporalAddress: temporal.address } });
    await bed.startSupplementSystem({ graceMs: 60_000 });
  });
  afterAll(async () => {
    await bed.close();
    await scope.end();
  });

  const place = (decide: Decide, policy: PolicyOverrides) => {
    const order = newOrder();
    bed.script(order.orderId, decide);
    return bed.client.placeOrder(order, { policy });
  };
  const silent: Decide = ({ kind }) =>
    kind === 'withdrawal' ? { kind: 'withdraw' } : { kind: 'staySilent' };
  const rowOf = ({ orderId }: OrderHandle) =>
    bed.orders.order.findUniqueOrThrow({ where: { orderId } });
  const workflowOf = ({ orderId }: OrderHandle) =>
    bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  const runOf = async (workflowId: string) =>
    (await bed.temporal.workflow.getHandle(workflowId).describe()).runId;
  /** Fills the history with signals that change nothing, one after the other: each has its own task. */
  const fill = async (workflowId: string) => {
    const handle = bed.temporal.workflow.getHandle(workflowId);
    const { runId } = await handle.describe();
    await eventually(
      async () => {
        await handle.signal('no such signal');
        const { runId: current, historyLength } = await handle.describe();
        return current !== runId || historyLength > SUGGESTED_AT_EVENTS + 5;
      },
      { what: `a full history of ${workflowId}` },
    );
    return runId;
  };
  const newRunOf = (workflowId: string, before: string) =>
    eventually(
      async () => {
        const runId = await runOf(workflowId);
        return runId !== before && runId;
      },
      { what: `a new run of ${workflowId}` },
    );
  const firstRunIdOf = async (workflowId: string, temporal: Client) => {
    const { raw } = await temporal.workflow.getHandle(workflowId).describe();
    return raw.workflowExecutionInfo?.firstRunId ?? '';
  };
  const firstRunOf = async ({ orderId }: OrderHandle) => {
    const workflowId = dispatchOrderWorkflowId(orderId);
    const runId = await firstRunIdOf(workflowId, bed.temporal);
    return bed.temporal.workflow.getHandle(workflowId, runId).describe();
  };
  /** The first run, which ends by going on, and the last one, which began with what it carried over. */
  const runsReplay = async (name: string, workflowId: string, temporal = bed.temporal) => {
    const runId = await firstRunIdOf(workflowId, temporal);
    const first = await temporal.workflow.getHandle(workflowId, runId).describe();
    expect(first.status.name).toBe('CONTINUED_AS_NEW');
    await replayToday(`${name}-goes-on-in-a-new-run`, { temporal, workflowId, runId });
    await replayToday(`${name}-in-its-new-run`, { temporal, workflowId });
  };

  test('between two steps: the order is asked about on, and dispatched once', async () => {
    let asked = 0;
    const handle = await place(
      () =>
        (asked += 1) < 9
          ? { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 1 }
          : { kind: 'accept', courierId: 'courier-3' },
      { ...PATIENT, maximumAttempts: 100 },
    );
    expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-3' });
    expect(await firstRunOf(handle)).toMatchObject({ status: { name: 'CONTINUED_AS_NEW' } });
    // Each question once: the new run begins with the request that is next.
    expect(asked).toBe(9);
    expect(await rowOf(handle)).toMatchObject({ requestNumber: 9, attempts: 9 });
    const { orderId } = handle;
    expect(await bed.dispatches.dispatch.count({ where: { orderId } })).toBe(1);
    await runsReplay('order', dispatchOrderWorkflowId(orderId));
  });

  test('between two rejections: they are counted on, and no more are asked for than the policy allows', async () => {
    let asked = 0;
    const handle = await place(
      () => {
        asked += 1;
        return { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 1 };
      },
      { ...PATIENT, maximumAttempts: 14 },
    );
    expect((await openTask(handle)).humanTask).toMatchObject({ escalationReason: 'rejected' });
    expect(await firstRunOf(handle)).toMatchObject({ status: { name: 'CONTINUED_AS_NEW' } });
    expect(asked).toBe(14);
    await handle.cancel(BY_ANA);
  });

  test('with a human task that is open: it is the same one there, and of two resolutions one wins', async () => {
    const handle = await place(silent, PATIENT);
    const { humanTask } = await askPerson(bed, handle);
    const workflowId = dispatchOrderWorkflowId(handle.orderId);
    const before = await fill(workflowId);
    await newRunOf(workflowId, before);
    expect((await openTask(handle)).humanTask).toEqual(humanTask);
    await eventually(async () => {
      const listed = [];
      for await (const task of bed.client.humanTasks()) listed.push(task.taskId);
      return listed.filter((taskId) => taskId === workflowId).length === 1;
    });

    const resolved = await Promise.allSettled(
      ['ana', 'ben'].map((actor) =>
        handle.resolve({
          decision: 'markDispatched',
          courierId: `courier-of-${actor}`,
          actor,
          note: 'mine',
        }),
      ),
    );
    const refused = resolved.filter((each) => each.status === 'rejected');
    expect(refused).toMatchObject([{ reason: expect.any(ResolutionRefused) as unknown }]);
    const { resolvedBy, courierId } = await handle.result();
    expect(courierId).toBe(`courier-of-${resolvedBy}`);
    expect(await rowOf(handle)).toMatchObject({ status: 'dispatched', decidedBy: resolvedBy });
  });

  test('with a cancellation that is asked for: it is taken into the row first, and not forgotten', async () => {
    const handle = await place(silent, PATIENT);
    await eventually(async () => (await rowOf(handle)).attempts === 1);
    const workflowId = dispatchOrderWorkflowId(handle.orderId);
    // No task is open: so far it waits for its answer, full as it is.
    expect(await fill(workflowId)).toBe(await runOf(workflowId));
    await workflowOf(handle).cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled', resolvedBy: 'temporal' });
    expect(await rowOf(handle)).toMatchObject({ status: 'cancelled' });
  });

  test('with a cancellation whose withdrawal nobody answers: the new run ends it', async () => {
    let answers = false;
    const handle = await place(
      () => (answers ? { kind: 'withdraw' } : { kind: 'staySilent' }),
      PATIENT,
    );
    const { orderId } = handle;
    await askPerson(bed, handle);
    await bed.dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-8' },
    });
    await workflowOf(handle).cancel();
    await askPerson(bed, handle, withdrawalIdOf(orderId));
    const workflowId = dispatchOrderWorkflowId(orderId);
    await newRunOf(workflowId, await fill(workflowId));
    expect((await openTask(handle)).humanTask).toMatchObject({ decisions: ['retry'] });
    answers = true;
    await handle.resolve({ decision: 'retry', ...BY_ANA });
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(await bed.dispatches.dispatch.findMany({ where: { orderId } })).toMatchObject([
      { status: 'withdrawn' },
    ]);
  });

  test('with findings that wait: each is looked at, in turn, and none is dropped', async () => {
    const order = newOrder();
    const { orderId } = order;
    await (await bed.client.placeOrder(order)).result();
    const workflowId = reconcileOrderWorkflowId(orderId);
    // Each has other content than the order, which a person has not seen before.
    const findingOf = (name: string): ReconcileOrderInput => ({
      orderId,
      trigger: 'request',
      provenance: name,
      copy: { contentHash: name, isOurs: true, order: { ...order }, requestNumber: 1 },
    });
    const names = ['first', 'second', 'third'];
    const found = async (name: string) => {
      await bed.temporal.workflow.signalWithStart('reconcileOrder', {
        workflowId,
        taskQueue: TASK_QUEUES.main,
        args: [findingOf(name)],
        signal: 'found',
        signalArgs: [findingOf(name)],
      });
    };
    const task = () =>
      eventually(() =>
        bed.temporal.workflow
          .getHandle(workflowId)
          .query<{ humanTask?: { escalatedAt: string } }>('status')
          .then(({ humanTask }) => humanTask),
      );
    for (const name of names) await found(name);
    await task();
    await newRunOf(workflowId, await fill(workflowId));
    const repairs = () =>
      bed.orders.repair.findMany({ where: { orderId }, orderBy: { id: 'asc' } });
    for (const [index] of names.entries()) {
      // A run that is full once more refuses it while the next one opens the task again.
      const resolution = { decision: 'keep', ...BY_ANA } as const;
      await eventually(() => bed.client.resolveTask(workflowId, resolution).then(() => true));
      await eventually(async () => (await repairs()).length === index + 1);
    }
    await bed.temporal.workflow.getHandle(workflowId).result();
    expect((await repairs()).map(({ provenance }) => provenance)).toEqual(names);
    await runsReplay('reconciliation', workflowId);
  });

  test('with a bulk run: it goes on, and each task is resolved once', async () => {
    const handles = await Promise.all(Array.from({ length: 5 }, () => place(silent, PATIENT)));
    for (const handle of handles) await askPerson(bed, handle);
    const { orders: database } = bed.databases;
    const filter = { escalationReason: 'requestDeadLettered' } as const;
    const run = { ...BY_ANA, via: 'cli', decision: 'cancel', filter, limit: 5 } as const;
    const { id: bulkId = 0 } = (await insertBulkRun(database, { ...run, ratePerSecond: 10 })) ?? {};
    const workflowId = resolveTasksWorkflowId(bulkId);
    const before = await bed.orders.$transaction(async (rows) => {
      // What came of the last one cannot be recorded, so the batch goes on until the history is full.
      await rows.$executeRaw`SELECT 1 FROM bulk_rows WHERE bulk_id = ${bulkId} AND n = 5 FOR UPDATE`;
      await resumeBulk({ database, temporal: bed.temporal }, bulkId);
      return fill(workflowId);
    });
    await newRunOf(workflowId, before);
    expect(await bed.temporal.workflow.getHandle(workflowId).result()).toEqual({ state: 'done' });
    expect(await readBulk(bed.databases.orders, bulkId)).toMatchObject({
      counts: { resolved: 5, refused: 0, failed: 0 },
    });
    const orderIds = handles.map(({ orderId }) => orderId);
    const resolutions = await bed.orders.auditEntry.findMany({
      where: { act: 'resolve', orderId: { in: orderIds } },
    });
    expect(resolutions.map(({ orderId }) => orderId).sort()).toEqual(orderIds.sort());
    await runsReplay('bulk-run', workflowId);
  });

  test('with a release: it counts on, and sends no canary once more', async () => {
    const namespace = `${bed.namespace}-release`;
    const { temporalAddress: address } = bed.stack;
    await createNamespace(address, namespace);
    const connection = await NativeConnection.connect({ address });
    const temporal = new Client({ connection, namespace });
    let batches = 0;
    const releaseCanary = jest.fn(() => Promise.resolve({ released: 3, unanswered: [] }));
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: TASK_QUEUES.main,
      workflowBundle: { codePath: workflowBundlePath() },
      activities: {
        releaseCanary,
        releaseHeld: () => {
          batches += 1;
          return Promise.resolve({ released: 10, isDone: batches === 20, isHeldAgain: false });
        },
      },
    });
    const workflowId = releaseHoldWorkflowId(1);
    const released = await worker.runUntil(
      temporal.workflow.execute<(input: ReleaseHoldInput) => Promise<ReleaseResult>>(
        WORKFLOW_TYPES.releaseHold,
        {
          workflowId,
          taskQueue: TASK_QUEUES.main,
          args: [{ holdId: 1, ratePerSecond: 10, canary: 3, canaryWithinMs: 1_000 }],
        },
      ),
    );
    expect(released).toEqual({ state: 'released', released: 203 });
    expect(releaseCanary).toHaveBeenCalledTimes(1);
    await runsReplay('release', workflowId, temporal);
    await connection.close();
  });
});
