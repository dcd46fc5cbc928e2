import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { OrderDispatchError, type OrderDispatchClient, type Resolution } from '../client';
import type { OrdersDatabase } from '../database/orders/connection';
import { startBulk } from '../operations/bulk';
import type { Decision } from '../domain/decisions';
import { orderIdOfWorkflow } from '../domain/temporal-names';
import { draw, pick } from './draw';

/** A decision that its person was told is carried out. */
export interface Decided {
  taskId: string;
  resolution: Resolution;
}

const LOOK_EVERY_MS = 1_000;

/** How often one decision is made about many tasks, in looks, and the share that is left to it. */
const BULK_EVERY = 8;
const BULK_SHARE = 0.5;

/** People on shift, who decide whatever waits for a person, one by one and sometimes in bulk. */
export class People {
  readonly decided: Decided[] = [];
  readonly surprises: string[] = [];
  bulkRuns = 0;
  private looks = 0;
  private isOver = false;

  constructor(
    private readonly given: {
      client: OrderDispatchClient;
      temporal: Client;
      database: OrdersDatabase;
      seed: number;
    },
  ) {}

  /** Works until it is told to end. */
  async work(): Promise<void> {
    while (!this.isOver) {
      await sleep(LOOK_EVERY_MS);
      await this.look();
    }
  }

  end(): void {
    this.isOver = true;
  }

  /** Decides whatever is open. @returns how many tasks were. */
  async look(): Promise<number> {
    const tasks: { taskId: string; escalationReason: string; escalatedAt: Date }[] = [];
    try {
      for await (const task of this.given.client.humanTasks()) tasks.push(task);
    } catch {
      return -1;
    }
    this.looks += 1;
    if (this.looks % BULK_EVERY === 0) await this.decideInBulk();
    const oneByOne = tasks.filter((task) => !this.isForBulk(task));
    await Promise.all(
      oneByOne.map(async ({ taskId, escalationReason, escalatedAt }) => {
        const resolution: Resolution = {
          ...this.decisionOn(taskId, escalationReason),
          actor: 'mia',
          note: `about ${taskId}`,
          openedAt: escalatedAt.toISOString(),
        };
        try {
          await this.given.client.resolveTask(taskId, resolution);
          this.decided.push({ taskId, resolution });
        } catch (error) {
          // Somebody else, or an answer, was quicker; or nobody answers just now, and it is still open.
          if (error instanceof OrderDispatchError && error.code !== 'Unexpected') return;
          this.surprises.push(`deciding about ${taskId}: ${String(error)}`);
        }
      }),
    );
    return tasks.length;
  }

  private isForBulk(task: { taskId: string; escalationReason: string }): boolean {
    const isOfKind = task.escalationReason === 'noAcknowledgement';
    return isOfKind && draw(this.given.seed, 'bulk', task.taskId) < BULK_SHARE;
  }

  private decisionOn(
    taskId: string,
    escalationReason: string,
  ): Pick<Resolution, 'decision' | 'courierId'> {
    const { seed } = this.given;
    const orderId = orderIdOfWorkflow(taskId) ?? taskId;
    const at = draw(seed, 'decision', orderId, this.looks);
    switch (escalationReason) {
      case 'withdrawalFailed':
        return { decision: 'retry' };
      case 'courierToCallOff':
        return { decision: pick<Decision>(['calledOff', 'tooLate'], at) };
      case 'discrepancy':
        return { decision: pick<Decision>(['keep', 'withdraw', 'restart'], at) };
      default: {
        const decision = pick<Decision>(['retry', 'markDispatched', 'cancel'], at);
        return decision === 'markDispatched' ? { decision, courierId: 'bike-7' } : { decision };
      }
    }
  }

  private async decideInBulk(): Promise<void> {
    const { database, temporal } = this.given;
    try {
      await startBulk(
        { database, temporal },
        {
          filter: { escalationReason: 'noAcknowledgement' },
          decision: 'cancel',
          actor: 'ben',
          note: 'nobody answers',
        },
      );
      this.bulkRuns += 1;
    } catch {
      // Nothing is open, or somebody is away: it is only tried.
    }
  }
}
