import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { ResolutionRefused, TooLateToCancel } from '../domain/errors';
import type { OrderResult, OrderState, OrderStatusView } from '../domain/order-state';
import {
  parseCancelRequest,
  parseResolution,
  type CancelRequest,
  type Resolution,
} from '../domain/resolution';
import { QUERIES, UPDATES, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { translateError } from './errors';

/** One order, by its ID. */
export class OrderHandle {
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

  /**
   * Where the order stands now.
   *
   * @throws {@link OrderNotFound}; {@link DispatchUnavailable} where Temporal cannot be reached or, for
   * a running order, no worker answers.
   */
  status(): Promise<OrderStatusView> {
    return this.translated(() =>
      this.options.call(async () => {
        const { status } = await this.workflow.describe();
        return status.name === 'RUNNING'
          ? this.workflow.query<OrderStatusView>(QUERIES.status)
          : ((await this.workflow.result()) as OrderResult);
      }),
    );
  }

  /**
   * Waits until the order is dispatched or cancelled: minutes where it is retried, longer where a
   * person has to decide.
   *
   * @throws {@link OrderNotFound}, {@link DispatchUnavailable}; {@link OrderConflict} or
   * {@link InvalidOrder} where the worker refused the order.
   */
  result(): Promise<OrderResult> {
    return this.translated(async () => (await this.workflow.result()) as OrderResult);
  }

  /**
   * Resolves the order's human task; returns when the decision is carried out.
   *
   * @throws {@link ResolutionRefused} that says why nothing was changed: it is not valid, no human task
   * is open, or somebody was quicker.
   */
  async resolve(resolution: Resolution): Promise<OrderState> {
    const parsed = parseResolution(resolution);
    return this.translated(async () => {
      try {
        return await this.workflow.executeUpdate<OrderState, [Resolution]>(UPDATES.resolve, {
          args: [parsed],
        });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        const { status } = await this.status();
        throw new ResolutionRefused(`no human task is open: order ${this.orderId} is ${status}`);
      }
    });
  }

  /**
   * Cancels the order, and returns when the dispatch system has given it up. A second cancellation
   * joins the first; of a cancelled order, its result comes back.
   *
   * @throws {@link TooLateToCancel} where a courier is on the way: the order stays dispatched.
   */
  async cancel(request: CancelRequest): Promise<OrderResult> {
    const parsed = parseCancelRequest(request);
    return this.translated(async () => {
      try {
        return await this.workflow.executeUpdate<OrderResult, [CancelRequest]>(UPDATES.cancel, {
          args: [parsed],
        });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        const result = await this.result();
        if (result.status === 'cancelled') return result;
        throw new TooLateToCancel(
          `order ${this.orderId} is dispatched with courier ${result.courierId}`,
        );
      }
    });
  }

  private get workflow(): WorkflowHandle {
    return this.options.client.workflow.getHandle(dispatchOrderWorkflowId(this.orderId));
  }

  private async translated<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw translateError(error, this.orderId);
    }
  }
}
