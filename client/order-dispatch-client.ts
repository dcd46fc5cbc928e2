import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  type ConnectionLike,
  type ConnectionOptions,
  type DataConverter,
} from '@temporalio/client';
import { contentHash } from '../domain/content-hash';
import { OrderConflict, ResolutionRefused } from '../domain/errors';
import { parseOrder, type Order } from '../domain/order';
import type { DispatchOrderInput } from '../domain/workflow-contract';
import type { ReconcileResult } from '../domain/workflow-contract';
import { parseResolution, type Resolution } from '../domain/resolution';
import { parsePolicyOverrides, type PolicyOverrides } from '../domain/policy';
import {
  MEMO_CONTENT_HASH,
  OPEN_HUMAN_TASKS_QUERY,
  UPDATES,
  dispatchOrderWorkflowId,
  reconcileOrderWorkflowId,
} from '../domain/temporal-names';
import { translateError } from './translate-error';
import { toHumanTask, type HumanTaskEntry } from './human-task-entry';
import { OrderHandle } from './order-handle';
import { ifFound } from '../temporal/order-workflows';
import { startDispatchOrder, startReconcileOrder } from '../temporal/start-workflows';
import { defined } from '../domain/defined';

/** How an {@link OrderDispatchClient} speaks to Temporal. */
export interface OrderDispatchClientOptions {
  /** A `Connection` or a `NativeConnection`, with its TLS and API key. You close it. */
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

/** Places orders, looks after them, and resolves human tasks. Speaks to Temporal alone. */
export class OrderDispatchClient {
  private readonly client: Client;
  private readonly callTimeoutMs: number;

  constructor(private readonly options: OrderDispatchClientOptions) {
    const { connection, namespace = 'default', dataConverter } = options;
    this.client = new Client(defined({ connection, namespace, dataConverter }));
    this.callTimeoutMs = options.callTimeoutMs ?? 10_000;
  }

  /**
   * Connects to Temporal.
   *
   * @throws {@link DispatchUnavailable} where it cannot be reached.
   */
  static async connect(options: ConnectOptions): Promise<OrderDispatchClient> {
    const { address, tls, apiKey, ...rest } = options;
    try {
      const connection = await Connection.connect({
        connectTimeout: options.callTimeoutMs ?? 10_000,
        ...defined({ address, tls, apiKey }),
      });
      return new OrderDispatchClient({ ...rest, connection });
    } catch (error) {
      throw translateError(error);
    }
  }

  /**
   * Places an order: from then on it ends `dispatched` or `cancelled`, or waits in a listed human
   * task. Idempotent: the same order again returns the handle of the first.
   *
   * @throws {@link InvalidOrder}, InvalidPolicy: each bad field is named, nothing was recorded.
   * {@link OrderConflict}: the order ID is taken by other content. {@link DispatchUnavailable}:
   * Temporal cannot be reached; safe to repeat.
   */
  async placeOrder(order: Order, options: { policy?: PolicyOverrides } = {}): Promise<OrderHandle> {
    const parsed = parseOrder(order);
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
    }
    return this.getOrder(orderId);
  }

  /** The handle of an order, without a look whether there is one. */
  getOrder(orderId: string): OrderHandle {
    return new OrderHandle({ client: this.client, orderId, call: (work) => this.call(work) });
  }

  /**
   * Every human task that is open, page by page. Temporal lists a new one within about a second.
   *
   * @throws {@link DispatchUnavailable} where Temporal cannot be reached.
   */
  async *humanTasks(): AsyncGenerator<HumanTaskEntry> {
    try {
      for await (const execution of this.client.workflow.list({ query: OPEN_HUMAN_TASKS_QUERY })) {
        yield toHumanTask(execution);
      }
    } catch (error) {
      throw translateError(error);
    }
  }

  /**
   * Resolves a human task by its ID; returns when the decision is carried out.
   *
   * @throws {@link ResolutionRefused} that says why nothing was changed.
   */
  async resolveTask(taskId: string, resolution: Resolution): Promise<void> {
    const parsed = parseResolution(resolution);
    const resolved = await ifFound(async () => {
      await this.client.workflow.getHandle(taskId).executeUpdate(UPDATES.resolve, {
        args: [parsed],
      });
      return true;
    }).catch((error: unknown) => {
      throw translateError(error);
    });
    if (resolved) return;
    throw new ResolutionRefused(`no human task is open: ${taskId} does not run`);
  }

  /**
   * Has an order looked at: do the two databases and Temporal agree about it? What is found is mended,
   * or becomes a human task. Waits for the end, unless a person has to decide.
   *
   * @throws {@link DispatchUnavailable} where Temporal cannot be reached.
   */
  async reconcile(orderId: string, options: { actor: string }): Promise<ReconcileResult> {
    try {
      const provenance = `person ${options.actor}`;
      await this.call(() =>
        startReconcileOrder(this.client, { orderId, trigger: 'person', provenance }),
      );
      const handle = this.client.workflow.getHandle(reconcileOrderWorkflowId(orderId));
      return (await handle.result()) as ReconcileResult;
    } catch (error) {
      throw translateError(error, orderId);
    }
  }

  /** Closes the connection: for a client made by {@link connect}. */
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
