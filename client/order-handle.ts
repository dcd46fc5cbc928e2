import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { OrderUnsettled, ResolutionRefused, TooLateToCancel } from '../domain/errors';
import type { OrderState } from '../domain/order-state';
import type { OrderResult, OrderStatusView } from '../domain/workflow-contract';
import {
  parseCancelRequest,
  parseResolution,
  type CancelRequest,
  type Resolution,
} from '../domain/resolution';
import {
  QUERIES,
  UPDATES,
  cancelOrderWorkflowId,
  dispatchOrderWorkflowId,
} from '../domain/temporal-names';
import { refuseFindingDecision } from '../domain/finding-decision';
import { findWorkflowStatus, ifFound } from '../temporal/order-workflows';
import { readOrderByWorkflow, startCancelOrder } from '../temporal/start-workflows';
import type { OrderHandle } from './order-dispatch';
import { translated } from './translate-error';

/** An order's handle that speaks to Temporal. */
export class TemporalOrderHandle implements OrderHandle {
  readonly orderId: string;

  constructor(
    private readonly options: {
      client: Client;
      orderId: string;
      /** Runs a call that must not wait for the order, within the client's time. */
      call: <Result>(work: () => Promise<Result>) => Promise<Result>;
    },
  ) {
    this.orderId = options.orderId;
  }

  status(): Promise<OrderStatusView> {
    return translated(this.orderId, () =>
      this.options.call(async () => {
        const cancellation = await this.statusOf(this.cancellation);
        const [workflow, status] = counts(cancellation)
          ? [this.cancellation, cancellation]
          : [this.dispatch, await this.statusOf(this.dispatch)];
        if (status === undefined) return this.read();
        return status === 'RUNNING'
          ? workflow.query<OrderStatusView>(QUERIES.status)
          : ((await workflow.result()) as OrderResult);
      }),
    );
  }

  result(): Promise<OrderResult> {
    return translated(this.orderId, async () => {
      const result = await ifFound(async () => (await this.dispatch.result()) as OrderResult);
      // Only a dispatched order can have been cancelled later.
      if (result?.status === 'cancelled') return result;
      if (counts(await this.statusOf(this.cancellation))) {
        return (await this.cancellation.result()) as OrderResult;
      }
      return result ?? this.readResult();
    });
  }

  async resolve(resolution: Resolution): Promise<OrderState> {
    const parsed = { via: 'sdk' as const, ...parseResolution(resolution) };
    return translated(this.orderId, async () => {
      try {
        const isCancelled = (await this.statusOf(this.cancellation)) === 'RUNNING';
        const workflow = isCancelled ? this.cancellation : this.dispatch;
        return await workflow.executeUpdate<OrderState, [Resolution]>(UPDATES.resolve, {
          args: [parsed],
        });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        const { status } = await this.status();
        refuseFindingDecision(this.orderId, parsed.decision);
        throw new ResolutionRefused(`no human task is open: order ${this.orderId} is ${status}`);
      }
    });
  }

  async cancel(request: CancelRequest): Promise<OrderResult> {
    const parsed = { via: 'sdk' as const, ...parseCancelRequest(request) };
    return translated(this.orderId, async () => {
      try {
        return await this.dispatch.executeUpdate<OrderResult, [CancelRequest]>(UPDATES.cancel, {
          args: [parsed],
        });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        return this.cancelLater(parsed);
      }
    });
  }

  /** Cancels an order whose dispatch has ended: a workflow of its own takes it back. */
  private async cancelLater(request: CancelRequest): Promise<OrderResult> {
    const { client, orderId } = this.options;
    // Past Temporal's retention, or terminated, it has no result, and the order's row knows more.
    if ((await this.statusOf(this.dispatch)) === 'COMPLETED') {
      const before = (await this.dispatch.result()) as OrderResult;
      if (before.status === 'cancelled') return before;
    }
    await startCancelOrder(client, { orderId, request });
    const result = (await this.cancellation.result()) as OrderResult;
    if (result.status === 'cancelled') return result;
    throw new TooLateToCancel(`order ${orderId} is dispatched with courier ${result.courierId}`);
  }

  /** What the row says, of an order whose workflow Temporal has removed, or never had. */
  private read(): Promise<OrderStatusView> {
    const { client, orderId } = this.options;
    return readOrderByWorkflow(client, { orderId });
  }

  private async readResult(): Promise<OrderResult> {
    const { status, ...rest } = await this.options.call(() => this.read());
    // Of a final status, the row's constraints vouch for the rest.
    if (status === 'dispatched' || status === 'cancelled')
      return { ...rest, status } as OrderResult;
    throw new OrderUnsettled(this.orderId, {
      how: `is gone while the order is ${status}`,
      cause: undefined,
    });
  }

  private get dispatch(): WorkflowHandle {
    return this.options.client.workflow.getHandle(dispatchOrderWorkflowId(this.orderId));
  }

  private get cancellation(): WorkflowHandle {
    return this.options.client.workflow.getHandle(cancelOrderWorkflowId(this.orderId));
  }

  private statusOf({ workflowId }: WorkflowHandle) {
    return findWorkflowStatus(this.options.client, workflowId);
  }
}

/** Whether a cancellation has a say: one that failed (there was no order then) or was ended has none. */
function counts(cancellation: string | undefined): boolean {
  return cancellation === 'RUNNING' || cancellation === 'COMPLETED';
}
