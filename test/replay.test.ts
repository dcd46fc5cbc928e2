import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import type { PolicyOverrides } from '../client';
import type { Decide } from '../dispatch-system/decide';
import {
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';
import { workflowBundlePath } from '../worker/workflow-bundle';
import { eventually, inTurn, newOrder, openTask, setup, type TestBed } from './setup';

const BRISK: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: 200,
  initialIntervalMs: 50,
  maximumAttempts: 2,
};
const BY_ANA = { actor: 'ana', note: 'by hand' };

type Handle = Awaited<ReturnType<TestBed['client']['placeOrder']>>;

/** One history of each shape: how it comes to be. */
const SHAPES: Record<
  string,
  {
    policy: PolicyOverrides;
    decide?: Decide;
    act?: (handle: Handle, bed: TestBed) => Promise<unknown>;
    /** Whose history: that of the order's dispatch, unless it says otherwise. */
    workflowIdOf?: (orderId: string) => string;
  }
> = {
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
};

const fileOf = (shape: string) => join(__dirname, 'histories', `${shape}.json`);

/** Process, host and sticky queue of whoever recorded it say nothing to others. */
const withoutIdentity = (json: string) =>
  json.replaceAll(/"(identity|name)": "\d+@[^"]*"/g, '"$1": "test"');

describe('replay', () => {
  const workflowBundle = { codePath: workflowBundlePath() };
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
    await bed.startSupplementSystem({ graceMs: 60_000 });
  });
  afterAll(() => bed.close());

  // A change that makes one of these fail would break orders that are under way when it is deployed.
  // A file that is missing is recorded by the test below.
  test.each(Object.keys(SHAPES))('the recorded history %s replays', async (shape) => {
    const history: unknown = JSON.parse(readFileSync(fileOf(shape), 'utf8'));
    await Worker.runReplayHistory({ workflowBundle }, history);
  });

  test.each(Object.entries(SHAPES))(
    'the history that %s makes today replays',
    async (shape, given) => {
      const { policy, decide, act, workflowIdOf = dispatchOrderWorkflowId } = given;
      const order = newOrder();
      if (decide) bed.script(order.orderId, decide);
      const handle = await bed.client.placeOrder(order, { policy });
      await act?.(handle, bed);
      await handle.result();
      const history = await bed.temporal.workflow
        .getHandle(workflowIdOf(order.orderId))
        .fetchHistory();
      await Worker.runReplayHistory({ workflowBundle }, history);
      if (!existsSync(fileOf(shape))) {
        writeFileSync(fileOf(shape), withoutIdentity(historyToJSON(history)));
      }
    },
  );
});
