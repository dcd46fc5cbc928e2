import type {
  HumanTaskEntry,
  Order,
  OrderDispatch,
  OrderHandle,
  PlaceOrderOptions,
  PolicyOverrides,
  ReconcileResult,
  Resolution,
} from '../client';
import { PLACE_ORDER_OPTIONS } from '../client/order-dispatch';
import { contentHash } from '../domain/content-hash';
import { defined } from '../domain/defined';
import {
  ConnectionClosed,
  OrderConflict,
  OrderNotFound,
  ResolutionRefused,
} from '../domain/errors';
import { checkOptions } from '../domain/options';
import { parseNewOrder } from '../domain/order';
import {
  DEFAULT_POLICY,
  effectivePolicy,
  parsePolicyOverrides,
  type Policy,
} from '../domain/policy';
import { parseCancelRequest, parseResolution } from '../domain/resolution';
import { orderIdOfWorkflow } from '../domain/temporal-names';
import { decideVerdict, type DispatchFacts, type OrderFacts } from '../domain/verdict';
import { FakeClock } from './fake-clock';
import { FakeDispatchSystem } from './fake-dispatch-system';
import { FakeOrder } from './fake-order';
import type { OrderScript } from './order-script';

/** How a {@link FakeOrderDispatch} begins. */
export interface FakeOrderDispatchOptions {
  /** What differs from the default policy, for orders that do not say otherwise. */
  policy?: PolicyOverrides;
  /** What its clock shows first. @default the time at which it is made */
  now?: Date;
}

interface Placed {
  order: Order;
  contentHash: string;
  dispatchSystem: FakeDispatchSystem;
  fake: FakeOrder;
}

/**
 * An {@link OrderDispatch} in memory, for tests of code that places orders: the same parsers, statuses,
 * errors and policy as the service, no servers, and a clock that the test moves. Whatever needs no
 * time has happened when a call returns; the rest happens in {@link advance}.
 *
 * It has one place for an order where the service has two databases, so they never disagree, and
 * {@link reconcile} finds nothing to mend.
 */
export class FakeOrderDispatch implements OrderDispatch {
  private readonly clock: FakeClock;
  private readonly policy: Policy;
  private readonly scripts = new Map<string, OrderScript>();
  private readonly known = new Map<string, Placed>();
  /** Rejects with the close, and ends what waits then. */
  private readonly closed: Promise<never>;
  readonly close: () => Promise<void>;

  /** @throws InvalidPolicy */
  constructor(options: FakeOrderDispatchOptions = {}) {
    this.clock = new FakeClock((options.now ?? new Date()).getTime());
    this.policy = effectivePolicy(DEFAULT_POLICY, parsePolicyOverrides(options.policy ?? {}));
    let reject: (error: ConnectionClosed) => void;
    this.closed = new Promise((_, rejectClosed) => (reject = rejectClosed));
    this.closed.catch(() => {});
    this.close = () => {
      reject(new ConnectionClosed('the fake is closed'));
      return Promise.resolve();
    };
  }

  /** What the clock shows. */
  get now(): Date {
    return new Date(this.clock.now);
  }

  /** Every order that was placed, as it was parsed, the oldest first. */
  get orders(): readonly Order[] {
    return [...this.known.values()].map(({ order }) => order);
  }

  /**
   * Says how the dispatch system treats an order, from now on: before it is placed or after. Without
   * a script it is accepted at once, and can be withdrawn.
   */
  script(orderId: string, script: OrderScript): void {
    this.scripts.set(orderId, script);
    this.known.get(orderId)?.dispatchSystem.follow(script);
  }

  /** Moves the clock on, in ms: attempts time out, delayed answers come, deadlines pass. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async placeOrder(order: Order, options: PlaceOrderOptions = {}): Promise<OrderHandle> {
    await this.turn();
    checkOptions('placeOrder', options, PLACE_ORDER_OPTIONS);
    const parsed = parseNewOrder(order);
    const overrides = options.policy && parsePolicyOverrides(options.policy);
    const { orderId } = parsed;
    const hash = contentHash(parsed);
    const placed = this.known.get(orderId);
    if (placed && placed.contentHash !== hash) throw new OrderConflict(orderId);
    if (!placed) {
      const dispatchSystem = new FakeDispatchSystem(this.scripts.get(orderId) ?? {});
      const policy = effectivePolicy(this.policy, overrides);
      const fake = new FakeOrder({ orderId, policy, clock: this.clock, dispatchSystem });
      this.known.set(orderId, { order: parsed, contentHash: hash, dispatchSystem, fake });
    }
    return this.getOrder(orderId);
  }

  getOrder(orderId: string): OrderHandle {
    return {
      orderId,
      status: async () => (await this.find(orderId)).fake.status,
      result: async () => this.untilClosed((await this.find(orderId)).fake.result()),
      resolve: async (resolution) => {
        const parsed = parseResolution(resolution);
        return (await this.find(orderId)).fake.resolve(parsed);
      },
      cancel: async (request) => {
        const parsed = parseCancelRequest(request);
        return this.untilClosed((await this.find(orderId)).fake.cancel(parsed));
      },
    };
  }

  async *humanTasks(): AsyncGenerator<HumanTaskEntry> {
    await this.turn();
    for (const [orderId, { fake }] of this.known) {
      const { task } = fake;
      if (!task) continue;
      const { taskId, escalationReason, escalatedAt } = task;
      yield { taskId, orderId, escalationReason, escalatedAt: new Date(escalatedAt) };
    }
  }

  async resolveTask(taskId: string, resolution: Resolution): Promise<void> {
    await this.turn();
    const parsed = parseResolution(resolution);
    const placed = this.known.get(orderIdOfWorkflow(taskId) ?? '');
    if (!placed?.fake.isRunning || placed.fake.owner !== taskId) {
      throw new ResolutionRefused(`no human task is open: ${taskId} does not run`);
    }
    placed.fake.resolve(parsed);
  }

  readonly reconcile: OrderDispatch['reconcile'] = async (orderId): Promise<ReconcileResult> => {
    await this.turn();
    const placed = this.known.get(orderId);
    const { verdict, rule } = decideVerdict({
      ...(placed && { order: orderFacts(placed) }),
      dispatch: placed?.dispatchSystem.facts ?? NOT_DISPATCHED,
      workflow: !placed ? 'none' : placed.fake.isRunning ? 'running' : 'ended',
      trigger: 'person',
    });
    return { orderId, verdict, rule, done: 'nothing', resolvedBy: null };
  };

  /** A turn later, as an answer from elsewhere would come. @throws ConnectionClosed */
  private turn(): Promise<void> {
    return this.untilClosed(Promise.resolve());
  }

  private untilClosed<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([this.closed, work]);
  }

  private async find(orderId: string): Promise<Placed> {
    await this.turn();
    const placed = this.known.get(orderId);
    if (!placed) throw new OrderNotFound(orderId);
    return placed;
  }
}

const NOT_DISPATCHED: DispatchFacts = { status: 'none' };

function orderFacts({ fake, contentHash: hash }: Placed): OrderFacts {
  const { status, dispatchedBy, courierId } = fake.state;
  return { status, contentHash: hash, ...defined({ dispatchedBy, courierId }) };
}
