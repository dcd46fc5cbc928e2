import type { Client } from '@temporalio/client';
import type { OrdersDatabase } from '../database/orders/connection';
import type { Policy } from '../domain/policy';
import type { Publisher } from '../messaging/publisher';
import type { QuickPath } from './quick-path';

/** What activities stand on; wired in `worker/`. */
export interface ActivityDependencies {
  database: OrdersDatabase;
  publisher: Publisher;
  quickPath: QuickPath;
  /** The worker's default policy. */
  defaultPolicy: Policy;
  /** For the heartbeat of an activity that waits, and to look at and start workflows. */
  temporal: Client;
  /** Is told how long each order waited for its first task, in ms, give or take the servers' clocks. */
  sawFirstTask: (waitedMs: number) => void;
  /** The key by which answers reach this process; `undefined` while it has no home queue. */
  replyKey: () => string | undefined;
}
