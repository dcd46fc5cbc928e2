import { Context } from '@temporalio/activity';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { DispatchRequestInput } from '../../activities/request-dispatch';
import { DEFAULT_POLICY, effectivePolicy } from '../../domain/policy';
import { TASK_QUEUES, WORKFLOW_TYPES, dispatchOrderWorkflowId } from '../../domain/temporal-names';
import { workflowBundlePath } from '../../worker/workflow-bundle';
import { patience } from '../patience';
import {
  askPerson,
  createSurroundings,
  eventually,
  inTurn,
  newOrder,
  openTask,
  pendingAttempt,
  quietRuntime,
  setup,
  withDatabaseAway,
  type TestBed,
} from '../setup';
import type { PolicyOverrides } from '../../client';

/** Short timeouts, and no quick path: what the durable path does shows in seconds. */
const DURABLE: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: patience(20),
  initialIntervalMs: 100,
  maximumIntervalMs: 200,
  maximumAttempts: 3,
};

/** Nothing is asked again within a test. */
const PATIENT: PolicyOverrides = { acknowledgementTimeoutMs: 3_600_000 };

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

function isEscalating({ events }: History): boolean {
  return (
    events?.some(
      ({ activityTaskScheduledEventAttributes: scheduled }) =>
        scheduled?.activityType?.name === 'escalate',
    ) ?? false
  );
}

test('a worker that stands still while an order is placed fails no order, though there is no row of it yet', async () => {
  quietRuntime();
  const { stack, namespace, remove } = await createSurroundings();
  const connection = await NativeConnection.connect({ address: stack.temporalAddress });
  const order = newOrder();
  const { orderId } = order;
  const policy = effectivePolicy(DEFAULT_POLICY, {});
  let asked = 0;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUES.main,
    workflowBundle: { codePath: workflowBundlePath() },
    activities: {
      submitOrder: () => Promise.reject(new Error('the database is away')),
      // As on a worker that stands still, it is past its time: 5 s.
      policyFor: () => (++asked === 1 ? Context.current().cancelled : Promise.resolve(policy)),
    },
  });
  const requests = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUES.requests,
    activities: {
      requestDispatch: ({ dispatchBy, requestNumber }: DispatchRequestInput) =>
        Promise.resolve({
          policy,
          order: {
            ...{ orderId, requestNumber, dispatchBy, status: 'dispatched', attempts: 1 },
            dispatchedBy: 'acknowledgement',
          },
        }),
    },
  });
  const result = await worker.runUntil(
    requests.runUntil(
      new Client({ connection, namespace }).workflow.execute(WORKFLOW_TYPES.dispatchOrder, {
        workflowId: dispatchOrderWorkflowId(orderId),
        taskQueue: TASK_QUEUES.main,
        args: [{ order }],
      }),
    ),
  );
  expect(result).toMatchObject({ orderId, status: 'dispatched' });
  expect(asked).toBe(2);
  await connection.close();
  await remove();
});

describe('durable path', () => {
  let bed: TestBed;
  beforeAll(async () => (bed = await setup({ policy: DURABLE })));
  afterAll(() => bed.close());

  const place = async (decisions: Parameters<typeof inTurn>, policy: PolicyOverrides = {}) => {
    const order = newOrder();
    bed.script(order.orderId, inTurn(...decisions));
    return bed.client.placeOrder(order, { policy });
  };
  const dispatchesOf = (orderId: string) =>
    bed.dispatches.dispatch.findMany({ where: { orderId } });
  const answersTo = (orderId: string) =>
    bed.orders.acknowledgement.findMany({ where: { orderId }, orderBy: { id: 'asc' } });
  const requestsAnswered = async (orderId: string) =>
    (await answersTo(orderId)).map(
      ({ requestId, class: ackClass }) => `${requestId.slice(orderId.length + 1)} ${ackClass}`,
    );

  test('a request that is answered only on a later attempt is dispatched once', async () => {
    const handle = await place([
      { kind: 'staySilent' },
      { kind: 'staySilent' },
      { kind: 'accept', courierId: 'courier-9' },
    ]);
    expect(await handle.result()).toMatchObject({
      status: 'dispatched',
      courierId: 'courier-9',
      attempts: 3,
    });
    expect(await dispatchesOf(handle.orderId)).toHaveLength(1);
  });

  test('an order database that is away past the deadline is what the person is told of', async () => {
    const handle = await withDatabaseAway(bed.stack, bed.ordersDatabaseUrl, async () => {
      const placed = await place([{ kind: 'staySilent' }], { dispatchWithinMs: patience(500) });
      const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(placed.orderId));
      // Past the deadline nothing is left to do but to escalate, which needs the database.
      await eventually(async () => isEscalating(await workflow.fetchHistory()));
      return placed;
    });
    const { humanTask } = await openTask(handle);
    expect(humanTask).toMatchObject({ escalationReason: 'databaseUnavailable' });
    await handle.cancel({ actor: 'ana', note: 'over' });
  });

  test('the same where the deadline passes before any attempt could say so', async () => {
    const handle = await withDatabaseAway(bed.stack, bed.ordersDatabaseUrl, async () => {
      const placed = await place([{ kind: 'staySilent' }], { dispatchWithinMs: 100 });
      const workflow = bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(placed.orderId));
      await eventually(async () => isEscalating(await workflow.fetchHistory()));
      return placed;
    });
    const { humanTask } = await openTask(handle);
    expect(humanTask).toMatchObject({ escalationReason: 'databaseUnavailable' });
    await handle.cancel({ actor: 'ana', note: 'over' });
  });

  test('silence exhausts the retries and escalates', async () => {
    const handle = await place([{ kind: 'staySilent' }]);
    const { humanTask } = await openTask(handle);
    expect(humanTask).toMatchObject({ escalationReason: 'noAcknowledgement' });
    expect(await handle.status()).toMatchObject({ status: 'escalated', attempts: 3 });
  });

  test('the deadline ends the retries', async () => {
    const handle = await place([{ kind: 'staySilent' }], {
      maximumAttempts: 1000,
      dispatchWithinMs: patience(75),
    });
    const { humanTask } = await openTask(handle);
    expect(humanTask).toMatchObject({ escalationReason: 'deadlinePassed' });
  });

  test('an acceptance during the retry backoff wins, and no further attempt goes out', async () => {
    const handle = await place([{ kind: 'staySilent' }], {
      // Before its deadline: else there would be no further attempt.
      initialIntervalMs: 1_800_000,
      maximumIntervalMs: 1_800_000,
    });
    const { orderId } = handle;
    await eventually(async () => (await pendingAttempt(bed.temporal, orderId))?.attempt === 2);
    await bed.acknowledge({ requestId: `${orderId}.1`, outcome: 'accepted', courierId: 'c-1' });
    expect(await handle.result()).toMatchObject({ status: 'dispatched', attempts: 1 });
    expect(await requestsAnswered(handle.orderId)).toEqual(['1 first']);
  });

  test('an acceptance before the attempt has its confirm in the history is not lost', async () => {
    const handles = await Promise.all(
      Array.from({ length: 20 }, () =>
        place([{ kind: 'accept', courierId: 'courier-1' }], PATIENT),
      ),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results.every(({ status, attempts }) => status === 'dispatched' && attempts === 1)).toBe(
      true,
    );
  });

  describe('a rejection', () => {
    test('with retryAfterMs brings the next request, with a new ID, then', async () => {
      const handle = await place(
        [
          { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 300 },
          { kind: 'accept', courierId: 'courier-2' },
        ],
        PATIENT,
      );
      expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-2' });
      expect(await requestsAnswered(handle.orderId)).toEqual(['1 first', '2 first']);
      const [rejection, acceptance] = await answersTo(handle.orderId);
      const pauseMs = Number(acceptance?.receivedAt) - Number(rejection?.receivedAt);
      expect(pauseMs).toBeGreaterThanOrEqual(300);
    });

    test('with retryAfterMs, as often as the policy allows attempts, escalates', async () => {
      const handle = await place(
        [{ kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 1 }],
        PATIENT,
      );
      const status = await openTask(handle);
      expect(status).toMatchObject({
        status: 'escalated',
        rejectionCode: 'noCourierAvailable',
        humanTask: { escalationReason: 'rejected' },
      });
      expect(await requestsAnswered(handle.orderId)).toEqual(['1 first', '2 first', '3 first']);
    });

    test('with a retryAfterMs beyond the deadline escalates at once', async () => {
      const handle = await place(
        [{ kind: 'reject', rejectionCode: 'restaurantClosed', retryAfterMs: 3_600_000 * 2 }],
        PATIENT,
      );
      const status = await openTask(handle);
      expect(status.humanTask).toMatchObject({ escalationReason: 'deadlinePassed' });
    });

    test('without retryAfterMs cancels the order by default', async () => {
      const handle = await place([{ kind: 'reject', rejectionCode: 'outOfZone' }], PATIENT);
      expect(await handle.result()).toMatchObject({
        status: 'cancelled',
        rejectionCode: 'outOfZone',
        resolvedBy: null,
      });
      expect(await dispatchesOf(handle.orderId)).toEqual([]);
    });

    test('without retryAfterMs escalates where the policy says so', async () => {
      const handle = await place([{ kind: 'reject', rejectionCode: 'outOfZone' }], {
        ...PATIENT,
        onRejection: 'escalate',
      });
      const status = await openTask(handle);
      expect(status.humanTask).toMatchObject({ escalationReason: 'rejected' });
    });

    test('in the quick window does what it does later', async () => {
      const handle = await place([{ kind: 'reject', rejectionCode: 'outOfZone' }], {
        ...PATIENT,
        quickWindowMs: 3_000,
      });
      expect(await handle.result()).toMatchObject({ status: 'cancelled', attempts: 1 });
    });

    test('as expired always escalates', async () => {
      const handle = await place([{ kind: 'reject', rejectionCode: 'expired' }], PATIENT);
      const status = await openTask(handle);
      expect(status.humanTask).toMatchObject({ escalationReason: 'deadlinePassed' });
    });

    test('while escalated closes the human task where the policy says cancel', async () => {
      const handle = await place([{ kind: 'staySilent' }]);
      await openTask(handle);
      await bed.acknowledge({
        requestId: `${handle.orderId}.1`,
        outcome: 'rejected',
        rejectionCode: 'restaurantClosed',
      });
      expect(await handle.result()).toMatchObject({
        status: 'cancelled',
        rejectionCode: 'restaurantClosed',
      });
    });

    test('of an older request is recorded and ignored', async () => {
      const handle = await place([{ kind: 'staySilent' }], PATIENT);
      await askPerson(bed, handle);
      await handle.resolve({ decision: 'retry', actor: 'ana', note: 'again' });
      await bed.acknowledge({
        requestId: `${handle.orderId}.1`,
        outcome: 'rejected',
        rejectionCode: 'outOfZone',
      });
      await eventually(async () => (await requestsAnswered(handle.orderId)).length === 1);
      expect(await handle.status()).toMatchObject({ status: 'placed' });
      await bed.acknowledge({
        requestId: `${handle.orderId}.2`,
        outcome: 'accepted',
        courierId: 'courier-3',
      });
      expect(await handle.result()).toMatchObject({ status: 'dispatched', courierId: 'courier-3' });
    });
  });
});
