import {
  Client,
  WorkflowExecutionAlreadyStartedError,
  type ConnectionLike,
  type ConnectionOptions,
  type DataConverter,
} from '@temporalio/client';
import { z } from 'zod';
import { contentHash } from '../domain/content-hash';
import { OrderConflict, ResolutionRefused } from '../domain/errors';
import { parseNewOrder, type Order } from '../domain/order';
import type { DispatchOrderInput } from '../domain/workflow-contract';
import type { ReconcileResult } from '../domain/workflow-contract';
import { parseResolution, type Resolution } from '../domain/resolution';
import { parsePolicyOverrides } from '../domain/policy';
import {
  MEMO_CONTENT_HASH,
  OPEN_HUMAN_TASKS_QUERY,
  UPDATES,
  dispatchOrderWorkflowId,
  orderIdOfWorkflow,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';
import { translateError } from './translate-error';
import { toHumanTask, type HumanTaskEntry } from './human-task-entry';
import { TemporalOrderHandle } from './order-handle';
import {
  PLACE_ORDER_OPTIONS,
  type OrderDispatch,
  type OrderHandle,
  type ReconcileOptions,
  type PlaceOrderOptions,
} from './order-dispatch';
import { openConnection } from '../temporal/connection';
import { ifFound } from '../temporal/order-workflows';
import { startDispatchOrder, startReconcileOrder } from '../temporal/start-workflows';
import { defined } from '../domain/defined';
import {
  addressOption,
  anyOption,
  checkOptions,
  countOption,
  namespaceOption,
  type OptionsShape,
} from '../domain/options';

/** How an {@link OrderDispatchClient} speaks to Temporal. */
export interface OrderDispatchClientOptions {
  /**
   * A `Connection` or a `NativeConnection`, with its TLS and API key. You close it: a `Connection` once
   * nothing waits on it, since the timers of the SDK's retries outlive its close, and throw.
   */
  connection: ConnectionLike;
  /** @default 'default' */
  namespace?: string;
  /** The same codec as the worker's, where payloads are encrypted. */
  dataConverter?: DataConverter;
  /**
   * How long a workflow task may take, in ms: the time until another worker takes over an order whose
   * worker died in the quick path. @default 5000
   */
  workflowTaskTimeoutMs?: number;
  /** How long a call that does not wait for an order may take, in ms. @default 10000 */
  callTimeoutMs?: number;
  /**
   * Starts orders on the worker that shares this `NativeConnection` in this process. Only its own
   * client sets this: see `createOrderDispatchWorker`. @default false
   */
  eagerStart?: boolean;
}

/** How {@link OrderDispatchClient.connect} reaches Temporal. */
export interface ConnectOptions
  extends
    Omit<OrderDispatchClientOptions, 'connection' | 'eagerStart'>,
    Pick<ConnectionOptions, 'address' | 'tls' | 'apiKey'> {}

const SHARED_OPTIONS = {
  namespace: namespaceOption.optional(),
  dataConverter: anyOption,
  workflowTaskTimeoutMs: countOption.optional(),
  callTimeoutMs: countOption.optional(),
};

const CONNECT_OPTIONS: OptionsShape<ConnectOptions> = {
  address: addressOption.optional(),
  tls: anyOption,
  apiKey: anyOption,
  ...SHARED_OPTIONS,
};

const CLIENT_OPTIONS: OptionsShape<OrderDispatchClientOptions> = {
  connection: z.custom<ConnectionLike>(
    (connection) =>
      typeof (connection as Partial<ConnectionLike> | undefined)?.close === 'function',
    { error: 'must be a Connection or a NativeConnection' },
  ),
  ...SHARED_OPTIONS,
  eagerStart: z.boolean().optional(),
};

/** The {@link OrderDispatch} that speaks to Temporal, and to Temporal alone. */
export class OrderDispatchClient implements OrderDispatch {
  private readonly client: Client;
  private readonly callTimeoutMs: number;

  /** @throws InvalidConfiguration where an option is not known, missing or wrong. */
  constructor(private readonly options: OrderDispatchClientOptions) {
    checkOptions('OrderDispatchClient', options, CLIENT_OPTIONS);
    const { connection, namespace = 'default', dataConverter } = options;
    this.client = new Client(defined({ connection, namespace, dataConverter }));
    this.callTimeoutMs = options.callTimeoutMs ?? 10_000;
  }

  /**
   * Connects to Temporal.
   *
   * @throws {@link DispatchUnavailable} where it cannot be reached; InvalidConfiguration where an
   * option is not known, or wrong.
   */
  static async connect(options: ConnectOptions): Promise<OrderDispatchClient> {
    checkOptions('OrderDispatchClient.connect', options, CONNECT_OPTIONS);
    const { address, tls, apiKey, ...rest } = options;
    try {
      const connection = await openConnection({
        connectTimeout: options.callTimeoutMs ?? 10_000,
        ...defined({ address, tls, apiKey }),
      });
      return new OrderDispatchClient({ ...rest, connection });
    } catch (error) {
      throw translateError(error);
    }
  }

  async placeOrder(order: Order, options: PlaceOrderOptions = {}): Promise<OrderHandle> {
    return (await this.placeOrJoin(order, options)).handle;
  }

  /** {@link placeOrder}, for who wants to know whether the order is new. */
  async placeOrJoin(
    order: Order,
    options: PlaceOrderOptions = {},
  ): Promise<{ handle: OrderHandle; isNew: boolean }> {
    checkOptions('placeOrder', options, PLACE_ORDER_OPTIONS);
    const parsed = parseNewOrder(order);
    const policy = options.policy && parsePolicyOverrides(options.policy);
    const { orderId } = parsed;
    const hash = contentHash(parsed);
    const input: DispatchOrderInput = defined({ order: parsed, policy });
    const { workflowTaskTimeoutMs, eagerStart = false } = this.options;
    try {
      await this.call(() =>
        startDispatchOrder(this.client, input, {
          contentHash: hash,
          ...defined({ workflowTaskTimeoutMs }),
          requestEagerStart: eagerStart,
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        throw translateError(error, orderId);
      }
      await this.refuseOtherContent(orderId, hash);
      return { handle: this.getOrder(orderId), isNew: false };
    }
    return { handle: this.getOrder(orderId), isNew: true };
  }

  getOrder(orderId: string): OrderHandle {
    return new TemporalOrderHandle({
      client: this.client,
      orderId,
      call: (work) => this.call(work),
    });
  }

  async *humanTasks(): AsyncGenerator<HumanTaskEntry> {
    try {
      for await (const execution of this.client.workflow.list({ query: OPEN_HUMAN_TASKS_QUERY })) {
        yield toHumanTask(execution);
      }
    } catch (error) {
      throw translateError(error);
    }
  }

  async resolveTask(taskId: string, resolution: Resolution): Promise<void> {
    const parsed = { via: 'sdk' as const, ...parseResolution(resolution) };
    const resolved = await ifFound(async () => {
      await this.client.workflow.getHandle(taskId).executeUpdate(UPDATES.resolve, {
        args: [parsed],
      });
      return true;
    }).catch((error: unknown) => {
      throw translateError(error, orderIdOfWorkflow(taskId));
    });
    if (resolved) return;
    throw new ResolutionRefused(`no human task is open: ${taskId} does not run`);
  }

  async reconcile(orderId: string, options: ReconcileOptions): Promise<ReconcileResult> {
    try {
      const provenance = `person ${options.actor}`;
      await this.call(() =>
        startReconcileOrder(this.client, {
          orderId,
          trigger: 'person',
          provenance,
          via: options.via ?? 'sdk',
        }),
      );
      const handle = this.client.workflow.getHandle(reconcileOrderWorkflowId(orderId));
      return (await handle.result()) as ReconcileResult;
    } catch (error) {
      throw translateError(error, orderId);
    }
  }

  close(): Promise<void> {
    return this.options.connection.close();
  }

  private async refuseOtherContent(orderId: string, hash: string): Promise<void> {
    const handle = this.client.workflow.getHandle(dispatchOrderWorkflowId(orderId));
    const { memo } = await this.call(() => handle.describe()).catch((error: unknown) => {
      throw translateError(error, orderId);
    });
    const known = memo?.[MEMO_CONTENT_HASH];
    // A start by hand has no hash until its first task is done.
    if (known !== undefined && known !== hash) throw new OrderConflict(orderId);
  }

  private call<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.client.withDeadline(Date.now() + this.callTimeoutMs, work);
  }
}
