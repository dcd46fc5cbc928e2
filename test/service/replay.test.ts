import type { PolicyOverrides } from '../../client';
import type { Decide } from '../../dispatch-system/decide';
import type { EscalationReason } from '../../domain/status';
import {
  SIGNALS,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  readOrderWorkflowId,
  reconcileOrderWorkflowId,
  releaseHoldWorkflowId,
  resolveTasksWorkflowId,
} from '../../domain/temporal-names';
import { startBulk } from '../../operations/bulk';
import { hold, release } from '../../operations/hold';
import { readOrderByWorkflow } from '../../temporal/start-workflows';
import { patience } from '../patience';
import { recordedShapes, replayRecorded, replayToday } from '../recorded-histories';
import {
  eventually,
  inTurn,
  newOrder,
  openTask,
  setup,
  withDatabaseAway,
  type TestBed,
} from '../setup';

const BRISK: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: patience(15),
  initialIntervalMs: 50,
  maximumAttempts: 2,
};
const BY_ANA = { actor: 'ana', note: 'by hand' };

const silentButWithdraws: Decide = ({ kind }) => ({
  kind: kind === 'withdrawal' ? 'withdraw' : 'staySilent',
});
const taskFor = (handle: Handle, reason: EscalationReason) =>
  eventually(async () => (await handle.status()).humanTask?.escalationReason === reason, {
    what: `a task for ${reason}`,
  });
/** Marks an order dispatched by hand, to its end. */
const dispatchByHand = async (handle: Handle) => {
  await openTask(handle);
  await handle.resolve({ decision: 'markDispatched', courierId: 'courier-2', ...BY_ANA });
};
/** Cancels it, and answers the question whether its courier could be called off. */
const callOff = (decision: 'calledOff' | 'tooLate') => async (handle: Handle) => {
  await dispatchByHand(handle);
  await handle.result();
  const cancelled = handle.cancel(BY_ANA).catch(() => {});
  await taskFor(handle, 'courierToCallOff');
  await handle.resolve({ decision, ...BY_ANA });
  await cancelled;
};
const signalFound = (bed: TestBed, orderId: string) => {
  const finding = { orderId, trigger: 'late', provenance: 'a test' };
  return bed.temporal.workflow.signalWithStart('reconcileOrder', {
    taskQueue: TASK_QUEUES.main,
    workflowId: reconcileOrderWorkflowId(orderId),
    args: [finding],
    signal: SIGNALS.found,
    signalArgs: [finding],
  });
};

/** Whose first attempt leaves time to hold all requests. */
const HOLDABLE: PolicyOverrides = { ...BRISK, acknowledgementTimeoutMs: patience(75) };
const silentOnce = () => inTurn({ kind: 'staySilent' }, { kind: 'accept', courierId: 'courier-1' });
let lastHoldId = 0;
const holdAndRelease = async (handle: Handle, bed: TestBed) => {
  const { orders: database } = bed.databases;
  lastHoldId = (await hold(database, BY_ANA)).id;
  await eventually(async () => (await handle.status()).isHeld);
  await (await release({ database, temporal: bed.temporal }, BY_ANA)).result();
};

let lastBulkId = 0;

/** As the schedules start them. */
const runOnce = (bed: TestBed, type: string) =>
  bed.temporal.workflow.execute(type, { taskQueue: TASK_QUEUES.main, workflowId: type });
const requestsUnderWay = async ({ temporal }: TestBed, { orderId }: Handle) => {
  const { raw } = await temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId)).describe();
  return raw.pendingActivities?.length ?? 0;
};
const findingsOpen = async (bed: TestBed) => {
  const taskIds: string[] = [];
  for await (const { taskId } of bed.client.humanTasks()) taskIds.push(taskId);
  return taskIds;
};

type Handle = Awaited<ReturnType<TestBed['client']['placeOrder']>>;

/** How a history comes to be. */
interface Shape {
  policy: PolicyOverrides;
  decide?: Decide;
  act?: (handle: Handle, bed: TestBed) => Promise<unknown>;
  /** What is so while it is placed. */
  placedWhile?: (bed: TestBed, place: () => Promise<Handle>) => Promise<Handle>;
  /** Whose history: that of the order's dispatch, unless it says otherwise. */
  workflowIdOf?: (orderId: string) => string;
}

/** One history of each shape. */
const SHAPES: Record<string, Shape> = {
  'quick-path': { policy: {} },
  'durable-path': {
    policy: { ...BRISK, maximumAttempts: 5 },
    decide: inTurn({ kind: 'staySilent' }, { kind: 'accept', courierId: 'courier-1' }),
  },
  'rejected-then-accepted': {
    policy: BRISK,
    decide: inTurn(
      { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 50 },
      { kind: 'accept', courierId: 'courier-1' },
    ),
  },
  'rejected-and-cancelled': {
    policy: BRISK,
    decide: inTurn({ kind: 'reject', rejectionCode: 'outOfZone' }),
  },
  'escalated-and-retried': {
    policy: BRISK,
    decide: inTurn(
      { kind: 'staySilent' },
      { kind: 'staySilent' },
      { kind: 'accept', courierId: 'courier-1' },
    ),
    act: async (handle) => {
      await openTask(handle);
      await handle.resolve({ decision: 'retry', ...BY_ANA });
    },
  },
  'escalated-and-marked-dispatched': {
    policy: BRISK,
    decide: inTurn({ kind: 'staySilent' }),
    act: async (handle) => {
      await openTask(handle);
      await handle.resolve({ decision: 'markDispatched', courierId: 'courier-2', ...BY_ANA });
    },
  },
  cancelled: {
    policy: { ...BRISK, acknowledgementTimeoutMs: 30_000 },
    decide: inTurn({ kind: 'staySilent' }),
    act: (handle) => handle.cancel(BY_ANA),
  },
  'cancelled-after-the-end': {
    policy: {},
    act: async (handle) => {
      await handle.result();
      await handle.cancel(BY_ANA);
    },
    workflowIdOf: cancelOrderWorkflowId,
  },
  held: { policy: HOLDABLE, decide: silentOnce(), act: holdAndRelease },
  'hold-released': {
    policy: HOLDABLE,
    decide: silentOnce(),
    act: holdAndRelease,
    workflowIdOf: () => releaseHoldWorkflowId(lastHoldId),
  },
  // What the SDK starts for an order whose own workflow is gone.
  'order-read': {
    policy: {},
    act: async (handle, bed) => {
      await handle.result();
      await readOrderByWorkflow(bed.temporal, { orderId: handle.orderId });
    },
    workflowIdOf: readOrderWorkflowId,
  },
  'row-restored': {
    policy: {},
    act: async (handle, bed) => {
      await handle.result();
      const { orderId } = handle;
      await bed.orders.order.update({
        where: { orderId },
        data: { status: 'placed', courierId: null, dispatchedBy: null },
      });
      await bed.client.reconcile(orderId, { actor: 'ana' });
    },
    workflowIdOf: reconcileOrderWorkflowId,
  },
  'finding-kept': {
    policy: {},
    act: async (handle, bed) => {
      await handle.result();
      const { orderId } = handle;
      await bed.dispatches.dispatch.updateMany({
        where: { orderId },
        data: { status: 'withdrawn' },
      });
      const reconciled = bed.client.reconcile(orderId, { actor: 'ana' });
      const taskId = reconcileOrderWorkflowId(orderId);
      const resolution = { decision: 'keep', ...BY_ANA } as const;
      await eventually(() => bed.client.resolveTask(taskId, resolution).then(() => true));
      await reconciled;
    },
    workflowIdOf: reconcileOrderWorkflowId,
  },
  'courier-called-off': {
    policy: BRISK,
    decide: silentButWithdraws,
    act: callOff('calledOff'),
    workflowIdOf: cancelOrderWorkflowId,
  },
  'courier-too-late-to-call-off': {
    policy: BRISK,
    decide: silentButWithdraws,
    act: callOff('tooLate'),
    workflowIdOf: cancelOrderWorkflowId,
  },
  // The withdrawal after a person's dispatch is not answered; the cancellation closes its task.
  'withdrawal-task-closed-by-cancel': {
    policy: { ...BRISK, maximumAttempts: 1 },
    decide: inTurn({ kind: 'staySilent' }),
    act: async (handle, bed) => {
      const { orderId } = handle;
      await bed.asked(`${orderId}.1`);
      await openTask(handle);
      await bed.dispatches.dispatch.create({
        data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-3' },
      });
      await handle.resolve({ decision: 'markDispatched', courierId: 'courier-2', ...BY_ANA });
      await bed.asked(`${orderId}.withdrawal`);
      await taskFor(handle, 'withdrawalFailed');
      bed.script(orderId, () => ({ kind: 'withdraw' }));
      const cancelled = handle.cancel(BY_ANA);
      await taskFor(handle, 'courierToCallOff');
      await handle.resolve({ decision: 'calledOff', ...BY_ANA });
      await cancelled;
    },
  },
  'withdrawal-failed-and-retried': {
    policy: { ...BRISK, maximumAttempts: 1 },
    decide: inTurn({ kind: 'staySilent' }),
    act: async (handle, bed) => {
      const { orderId } = handle;
      await bed.asked(`${orderId}.1`);
      await openTask(handle);
      await bed.dispatches.dispatch.create({
        data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-3' },
      });
      const cancelled = handle.cancel(BY_ANA);
      await bed.asked(`${orderId}.withdrawal`);
      await taskFor(handle, 'withdrawalFailed');
      bed.script(orderId, () => ({ kind: 'withdraw' }));
      await handle.resolve({ decision: 'retry', ...BY_ANA });
      await cancelled;
    },
  },
  'request-dead-lettered': {
    policy: { ...BRISK, acknowledgementTimeoutMs: 60_000 },
    decide: silentButWithdraws,
    act: async (handle, bed) => {
      const requestId = `${handle.orderId}.1`;
      await bed.temporal.workflow
        .getHandle(dispatchOrderWorkflowId(handle.orderId))
        .signal(SIGNALS.requestDeadLettered, { requestId });
      await taskFor(handle, 'requestDeadLettered');
      await handle.resolve({ decision: 'cancel', ...BY_ANA });
    },
  },
  'deadline-passed': {
    policy: { ...BRISK, acknowledgementTimeoutMs: 60_000, dispatchWithinMs: patience(50) },
    decide: silentButWithdraws,
    act: async (handle) => {
      await taskFor(handle, 'deadlinePassed');
      await handle.cancel(BY_ANA);
    },
  },
  'quick-path-failed': {
    policy: { ...BRISK, acknowledgementTimeoutMs: 60_000, maximumAttempts: 5 },
    placedWhile: (bed, place) =>
      withDatabaseAway(bed.stack, bed.ordersDatabaseUrl, async () => {
        const handle = await place();
        // The durable path is under way before the database is back.
        await eventually(async () => (await requestsUnderWay(bed, handle)) > 0);
        return handle;
      }),
  },
  'cancelled-from-temporal': {
    policy: { ...BRISK, acknowledgementTimeoutMs: 30_000 },
    decide: silentButWithdraws,
    act: async (handle, bed) => {
      await eventually(async () => (await requestsUnderWay(bed, handle)) > 0);
      await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId)).cancel();
    },
  },
  'finding-withdrawn': {
    policy: {},
    act: async (handle, bed) => {
      const { orderId } = handle;
      await handle.result();
      await handle.cancel(BY_ANA);
      await bed.dispatches.dispatch.create({
        data: { orderId, requestId: `${orderId}.2`, contentHash: 'x', courierId: 'courier-3' },
      });
      await bed.dispatches.inboxEntry.deleteMany({ where: { orderId } });
      await bed.client.reconcile(orderId, { actor: 'ana' });
    },
    workflowIdOf: reconcileOrderWorkflowId,
  },
  'findings-in-turn': {
    policy: {},
    act: async (handle, bed) => {
      const { orderId } = handle;
      const taskId = reconcileOrderWorkflowId(orderId);
      await handle.result();
      await bed.dispatches.dispatch.updateMany({
        where: { orderId },
        data: { status: 'withdrawn' },
      });
      const reconciled = bed.client.reconcile(orderId, { actor: 'ana' });
      const keep = { decision: 'keep', ...BY_ANA } as const;
      const isOpen = async () => (await findingsOpen(bed)).includes(taskId);
      await eventually(isOpen);
      const second = { orderId, trigger: 'conflicting', provenance: 'a second answer' };
      await bed.temporal.workflow.getHandle(taskId).signal(SIGNALS.found, second);
      await eventually(() => bed.client.resolveTask(taskId, keep).then(() => true));
      await reconciled;
      await bed.temporal.workflow.getHandle(taskId).result();
    },
    workflowIdOf: reconcileOrderWorkflowId,
  },
  'tasks-resolved': {
    policy: BRISK,
    decide: silentButWithdraws,
    act: async (handle, bed) => {
      await openTask(handle);
      const { orders: database } = bed.databases;
      const taskIds = [dispatchOrderWorkflowId(handle.orderId)];
      const begun = await startBulk(
        { database, temporal: bed.temporal },
        { filter: { taskIds }, decision: 'cancel', ...BY_ANA },
      );
      lastBulkId = begun.bulkId;
      await bed.temporal.workflow.getHandle(begun.workflowId).result();
    },
    workflowIdOf: () => resolveTasksWorkflowId(lastBulkId),
  },
  'health-checked': {
    policy: {},
    act: (_handle, bed) => runOnce(bed, WORKFLOW_TYPES.checkHealth),
    workflowIdOf: () => WORKFLOW_TYPES.checkHealth,
  },
  'orders-swept': {
    policy: {},
    act: (_handle, bed) => runOnce(bed, WORKFLOW_TYPES.sweepOrders),
    workflowIdOf: () => WORKFLOW_TYPES.sweepOrders,
  },
  'finding-that-waits-for-its-owner': {
    policy: { ...BRISK, maximumAttempts: 1 },
    decide: silentButWithdraws,
    act: async (handle, bed) => {
      const { orderId } = handle;
      await openTask(handle);
      await signalFound(bed, orderId);
      const reconciliation = bed.temporal.workflow.getHandle(reconcileOrderWorkflowId(orderId));
      // Its first look, of two activities and a timer, finds the owner at work.
      await eventually(async () => (await reconciliation.describe()).historyLength > 15);
      await handle.resolve({ decision: 'cancel', ...BY_ANA });
      await handle.result();
      await reconciliation.result();
    },
    workflowIdOf: reconcileOrderWorkflowId,
  },
  'signals-that-change-nothing': {
    policy: { ...BRISK, maximumAttempts: 1 },
    decide: silentButWithdraws,
    act: async (handle, bed) => {
      await openTask(handle);
      const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(handle.orderId));
      await workflow.signal('reslove', { decision: 'cancel', ...BY_ANA });
      await workflow.signal(SIGNALS.resolve, { decision: 'cancel' });
      await workflow.signal(SIGNALS.acknowledged, { class: 'first', answer: null });
      await workflow.signal(SIGNALS.requestDeadLettered);
      await handle.resolve({ decision: 'cancel', ...BY_ANA });
    },
  },
};

describe('replay', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
    await bed.startSupplementSystem({ graceMs: 60_000 });
  });
  afterAll(() => bed.close());

  // A change that makes one of these fail would break orders that are under way when it is deployed.
  test.each(recordedShapes())('the recorded history %s replays', replayRecorded);

  // The first run of a new shape records its history; git shows the new file.
  const replays = async (shape: string, given: Shape) => {
    const { policy, decide, act, workflowIdOf = dispatchOrderWorkflowId } = given;
    const order = newOrder();
    if (decide) bed.script(order.orderId, decide);
    const place = () => bed.client.placeOrder(order, { policy });
    const handle = await (given.placedWhile?.(bed, place) ?? place());
    await act?.(handle, bed);
    await handle.result();
    await replayToday(shape, {
      temporal: bed.temporal,
      workflowId: workflowIdOf(order.orderId),
    });
  };
  // Each reconciliation waits a moment before it looks: they wait together.
  const shapes = Object.entries(SHAPES);
  const isReconciliation = ([, { workflowIdOf }]: [string, Shape]) =>
    workflowIdOf === reconcileOrderWorkflowId;
  test.concurrent.each(shapes.filter(isReconciliation))(
    'the history that %s makes today replays',
    replays,
  );
  test.each(shapes.filter((shape) => !isReconciliation(shape)))(
    'the history that %s makes today replays',
    replays,
  );

  test('every shape has its recorded history', () => {
    expect(recordedShapes()).toEqual(expect.arrayContaining(Object.keys(SHAPES)));
  });
});
