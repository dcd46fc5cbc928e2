import { randomUUID } from 'node:crypto';
import { CompleteAsyncError } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import fc from 'fast-check';
import type { createMainActivities, createRequestActivities } from '../../activities';
import type { Answer, OrderState } from '../../domain/order-state';
import type { AcknowledgedSignal, OrderResult } from '../../domain/workflow-contract';
import { DEFAULT_POLICY } from '../../domain/policy';
import { withdrawalIdOf } from '../../domain/request-id';
import { ORDER_STATUS_EDGES } from '../../domain/status';
import {
  SIGNALS,
  TASK_QUEUES,
  UPDATES,
  WORKFLOW_TYPES,
  cancelOrderWorkflowId,
} from '../../domain/temporal-names';
import { workflowBundlePath } from '../../worker/workflow-bundle';
import { patience } from '../patience';
import { createSurroundings, eventually, newOrder, type Surroundings } from '../setup';

type StatusActivities = Pick<
  ReturnType<typeof createMainActivities>,
  'loadOrder' | 'startCancellation' | 'escalateWithdrawal' | 'retryWithdrawal' | 'settleWithdrawal'
>;

/** What goes wrong with one step: before or after it took effect, it fails once; or not at all. */
const fault = fc.constantFrom('none' as const, 'before' as const, 'after' as const);

/** What the dispatch system does with one withdrawal that it gets. */
const reaction = fc.constantFrom(
  'silence' as const,
  'answer' as const,
  'answerTwice' as const,
  'fail' as const,
);

const scenario = fc.record({
  outcome: fc.constantFrom('withdrawn' as const, 'withdrawalRefused' as const),
  /** Then it answers. */
  reactions: fc.array(reaction, { maxLength: 6 }),
  faults: fc.record({
    startCancellation: fault,
    escalateWithdrawal: fault,
    retryWithdrawal: fault,
    settleWithdrawal: fault,
  }),
  /** How a human task that opens is left: by a person's retry, or by an answer that comes late. */
  task: fc.constantFrom('retry' as const, 'lateAnswer' as const),
  deadLettered: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * A simulated order service: an order row in memory whose steps fail as the scenario says. Only so can
 * a step be made to fail after it took effect.
 */
class SimulatedOrder {
  readonly order = newOrder();
  readonly faults: Scenario['faults'];
  readonly reactions: Scenario['reactions'];
  answer: Answer | undefined;
  state: OrderState;
  retriesNeeded = 0;

  constructor(readonly scenario: Scenario) {
    this.faults = { ...scenario.faults };
    this.reactions = [...scenario.reactions];
    this.state = {
      orderId: this.order.orderId,
      status: 'dispatched',
      requestNumber: 1,
      attempts: 1,
      dispatchBy: new Date(Date.now() + 3_600_000).toISOString(),
      courierId: 'courier-1',
      dispatchedBy: 'acknowledgement',
    };
  }

  /** Runs a step that changes the row, with its fault; the row must follow the edges. */
  step(name: keyof Scenario['faults'], change: () => Partial<OrderState>): OrderState {
    const given = this.faults[name];
    this.faults[name] = 'none';
    const failure = ApplicationFailure.retryable('the database is away', 'DatabaseUnavailable');
    if (given === 'before') throw failure;
    const before = this.state.status;
    this.state = { ...this.state, ...change() };
    const after = this.state.status;
    if (after !== before && !ORDER_STATUS_EDGES[before].includes(after)) {
      throw ApplicationFailure.nonRetryable(`${before} -> ${after} is no edge`);
    }
    if (given === 'after') throw failure;
    return this.state;
  }

  /** The dispatch system's answer, as the ledger keeps it: the first one stays. */
  give(): AcknowledgedSignal {
    const { outcome } = this.scenario;
    const repeated = this.answer !== undefined;
    this.answer ??= {
      requestId: withdrawalIdOf(this.order.orderId),
      outcome,
      ...(outcome === 'withdrawalRefused' && { courierId: 'courier-1' }),
      receivedAt: new Date().toISOString(),
    };
    return { class: repeated ? 'duplicate' : 'first', answer: this.answer, order: this.state };
  }
}

describe('compensation', () => {
  let surroundings: Surroundings;
  let connection: NativeConnection;
  let temporal: Client;
  let workers: Worker[];
  let runs: Promise<void>[];
  const orders = new Map<string, SimulatedOrder>();
  const orderOf = ({ orderId }: { orderId: string }) => {
    const order = orders.get(orderId);
    if (!order) throw new Error(`no order ${orderId}`);
    return order;
  };
  const workflowOf = ({ order }: SimulatedOrder) =>
    temporal.workflow.getHandle(cancelOrderWorkflowId(order.orderId));

  const statusActivities: StatusActivities = {
    loadOrder: (input) => {
      const { order, state, answer } = orderOf(input);
      const policy = {
        ...DEFAULT_POLICY,
        acknowledgementTimeoutMs: patience(15),
        initialIntervalMs: 10,
        maximumIntervalMs: 10,
        maximumAttempts: 2,
      };
      return Promise.resolve({
        order,
        progress: { order: state, policy, ...(answer && { withdrawalAnswer: answer }) },
      });
    },
    startCancellation: async (input) =>
      Promise.resolve(
        orderOf(input).step('startCancellation', () => ({
          status: 'cancelling',
          decision: 'cancel',
          decidedBy: input.request.actor,
        })),
      ),
    escalateWithdrawal: async (input) =>
      Promise.resolve(
        orderOf(input).step('escalateWithdrawal', () => ({
          escalationReason: 'withdrawalFailed',
          escalatedAt: input.at,
        })),
      ),
    retryWithdrawal: async (input) => {
      const simulated = orderOf(input);
      simulated.retriesNeeded += 1;
      delete simulated.state.escalationReason;
      delete simulated.state.escalatedAt;
      return Promise.resolve(
        simulated.step('retryWithdrawal', () => ({
          decision: 'retry',
          decidedBy: input.resolution.actor,
          decidedAt: input.at,
        })),
      );
    },
    settleWithdrawal: async (input) => {
      const simulated = orderOf(input);
      return Promise.resolve(
        simulated.step('settleWithdrawal', () => {
          if (simulated.state.status !== 'cancelling' || !simulated.answer) return {};
          return {
            status: simulated.answer.outcome === 'withdrawn' ? 'cancelled' : 'dispatched',
          };
        }),
      );
    },
  };
  const requestActivities: Pick<ReturnType<typeof createRequestActivities>, 'requestWithdrawal'> = {
    requestWithdrawal: async (input) => {
      const simulated = orderOf(input);
      if (simulated.answer) return simulated.answer;
      const answers = () => workflowOf(simulated).signal(SIGNALS.acknowledged, simulated.give());
      switch (simulated.reactions.shift() ?? 'answer') {
        case 'fail':
          throw ApplicationFailure.retryable('no queue took it', 'UnroutableMessage');
        case 'answer':
          await answers();
          break;
        case 'answerTwice':
          await answers();
          await answers();
          break;
        case 'silence':
          if (simulated.scenario.deadLettered) {
            const requestId = withdrawalIdOf(input.orderId);
            await workflowOf(simulated).signal(SIGNALS.requestDeadLettered, { requestId });
          }
      }
      throw new CompleteAsyncError();
    },
  };

  beforeAll(async () => {
    surroundings = await createSurroundings();
    connection = await NativeConnection.connect({ address: surroundings.stack.temporalAddress });
    const { namespace } = surroundings;
    temporal = new Client({ connection, namespace });
    workers = await Promise.all([
      Worker.create({
        connection,
        namespace,
        taskQueue: TASK_QUEUES.main,
        workflowBundle: { codePath: workflowBundlePath() },
        activities: statusActivities,
      }),
      Worker.create({
        connection,
        namespace,
        taskQueue: TASK_QUEUES.requests,
        activities: requestActivities,
      }),
    ]);
    runs = workers.map((worker) => worker.run());
  });
  afterAll(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(runs);
    await connection.close();
    await surroundings.remove();
  });

  /** Whoever looks after the order: leaves each human task that opens as the scenario says. */
  const lookAfter = async (simulated: SimulatedOrder): Promise<OrderResult> => {
    const workflow = workflowOf(simulated);
    let ended = false;
    const result = (workflow.result() as Promise<OrderResult>).finally(() => (ended = true));
    result.catch(() => {});
    await eventually(
      async () => {
        if (ended || simulated.state.escalationReason !== 'withdrawalFailed') return ended;
        if (simulated.scenario.task === 'lateAnswer') {
          await workflow.signal(SIGNALS.acknowledged, simulated.give());
        } else {
          const resolution = { decision: 'retry', actor: randomUUID(), note: 'again' };
          await workflow.executeUpdate(UPDATES.resolve, { args: [resolution] });
        }
        return ended;
      },
      { what: `the end of ${simulated.order.orderId}` },
    );
    return result;
  };

  test('with whatever failures, repeats, refusals and late answers, it ends cancelled or dispatched, as the row', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scenario, { minLength: 40, maxLength: 40 }), async (scenarios) => {
        const simulated = scenarios.map((given) => new SimulatedOrder(given));
        for (const one of simulated) orders.set(one.order.orderId, one);
        await Promise.all(
          simulated.map(({ order: { orderId } }) =>
            temporal.workflow.start(WORKFLOW_TYPES.cancelOrder, {
              workflowId: cancelOrderWorkflowId(orderId),
              taskQueue: TASK_QUEUES.main,
              args: [{ orderId, request: { actor: 'customer', note: 'no more' } }],
            }),
          ),
        );
        const results = await Promise.all(simulated.map(lookAfter));
        for (const [index, { status, orderId }] of results.entries()) {
          const one = simulated[index];
          const expected = one?.scenario.outcome === 'withdrawn' ? 'cancelled' : 'dispatched';
          expect([orderId, status, one?.state.status]).toEqual([
            one?.order.orderId,
            expected,
            expected,
          ]);
        }
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });

  test('a human task of it stays open until somebody decides', async () => {
    const simulated = new SimulatedOrder({
      outcome: 'withdrawn',
      reactions: ['silence', 'silence', 'silence', 'silence'],
      faults: {
        startCancellation: 'none',
        escalateWithdrawal: 'after',
        retryWithdrawal: 'none',
        settleWithdrawal: 'none',
      },
      task: 'retry',
      deadLettered: false,
    });
    const { orderId } = simulated.order;
    orders.set(orderId, simulated);
    await temporal.workflow.start(WORKFLOW_TYPES.cancelOrder, {
      workflowId: cancelOrderWorkflowId(orderId),
      taskQueue: TASK_QUEUES.main,
      args: [{ orderId, request: { actor: 'customer', note: 'no more' } }],
    });
    await eventually(() => simulated.state.escalationReason === 'withdrawalFailed');
    expect(await lookAfter(simulated)).toMatchObject({ status: 'cancelled' });
    expect(simulated.retriesNeeded).toBe(2);
  });
});
