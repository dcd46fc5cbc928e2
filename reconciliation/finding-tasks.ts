import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  abandonTaskRow,
  listHumanTasks,
  openTaskRow,
  type TaskKey,
} from '../database/orders/human-tasks';
import { defined } from '../domain/defined';
import { DEFAULT_POLICY } from '../domain/policy';
import {
  OPEN_FINDING_TASKS_QUERY,
  SEARCH_ATTRIBUTES,
  orderIdOfWorkflow,
} from '../domain/temporal-names';
import { ifFound } from '../temporal/order-workflows';

/** Tasks that Temporal is asked about at once. */
const limit = pLimit(20);

/** The most tasks of findings that one sweep looks at. */
const LOOKED_AT = 10_000;

const REASON = 'OrderEscalationReason';

/** How many rows of human tasks a sweep put right. */
export interface FollowedTasks {
  /** Tasks that waited for a person, and were on no list. */
  listed: number;
  /** Rows that stood open while their workflow asked nobody any more. */
  unlisted: number;
}

/**
 * Makes the rows of findings' tasks agree with the workflows, which own the tasks: one that began
 * before there were rows has none, and one that somebody terminated leaves its row open. Those of an
 * order's own tasks follow its row. Safe to repeat.
 *
 * @param given.until looks at tasks that were opened before then: later ones may be half-way.
 */
export async function followFindingTasks(given: {
  orders: OrdersDatabase;
  temporal: Client;
  until: Date;
}): Promise<FollowedTasks> {
  const { orders, temporal, until } = given;
  const rows = await listHumanTasks(orders, {
    filter: { kind: 'discrepancy', openedBefore: until },
    limit: LOOKED_AT,
  });
  const gone = await Promise.all(
    rows.map((row) => limit(async () => !(await asksSomebody(temporal, row)) && [row])),
  );
  const abandoned = gone.flatMap((row) => row || []);
  for (const row of abandoned) await abandonTaskRow(orders, row);
  return { listed: await listMissing(given), unlisted: abandoned.length };
}

async function asksSomebody(temporal: Client, { taskId }: TaskKey): Promise<boolean> {
  const found = await ifFound(() => temporal.workflow.getHandle(taskId).describe());
  if (found?.status.name !== 'RUNNING' && found?.status.name !== 'PAUSED') return false;
  return found.typedSearchAttributes.get({ name: REASON, type: SEARCH_ATTRIBUTES[REASON] }) != null;
}

async function listMissing({
  orders,
  temporal,
  until,
}: Parameters<typeof followFindingTasks>[0]): Promise<number> {
  const listed = new Set(
    (await listHumanTasks(orders, { filter: { kind: 'discrepancy' }, limit: LOOKED_AT })).map(
      ({ taskId }) => taskId,
    ),
  );
  let missing = 0;
  for await (const execution of temporal.workflow.list({ query: OPEN_FINDING_TASKS_QUERY })) {
    const { workflowId: taskId, typedSearchAttributes, startTime } = execution;
    const name = 'OrderEscalatedAt';
    const openedAt =
      typedSearchAttributes.get({ name, type: SEARCH_ATTRIBUTES[name] }) ?? startTime;
    if (listed.has(taskId) || openedAt > until) continue;
    const after = (ms: number) => new Date(openedAt.getTime() + ms);
    await openTaskRow(orders, {
      taskId,
      openedAt,
      ...defined({ orderId: orderIdOfWorkflow(taskId) }),
      kind: 'discrepancy',
      escalationReason: 'discrepancy',
      dueAt: after(DEFAULT_POLICY.taskDueMs),
      overdueAt: after(DEFAULT_POLICY.taskOverdueMs),
    });
    missing += 1;
  }
  return missing;
}
