import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';
import {
  countBulkRows,
  endBulkRun,
  findBulkRun,
  findTaskEnds,
  listBulkRows,
  recordBulkRow,
  type BulkRowResult,
  type TaskEnd,
} from '../database/orders/bulk';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  BULK_CANARY,
  bulkUpdateId,
  type BulkRow,
  type BulkRun,
  type BulkState,
  type ResolveTasksInput,
} from '../domain/bulk';
import type { Resolution } from '../domain/resolution';
import { UPDATES } from '../domain/temporal-names';
import { crashPoint } from '../runtime/crash-point';
import { whileBeating } from '../temporal/while-beating';
import type { ActivityDependencies } from './dependencies';

/** How many tasks one activity resolves before the next one goes on. */
const BATCH = 100;

/** How often a second, at most, a batch looks whether its run was aborted. */
const LOOKS_PER_SECOND = 10;

/** How long a task's workflow may take to carry a decision out, in ms. */
const ANSWER_MS = 20_000;

/** How long a decision of somebody else may take until it is in the task's row, in ms. */
const CLOSE_MS = 2_000;

type Dependencies = Pick<ActivityDependencies, 'database' | 'temporal'>;

/** The activities of `resolveTasks`. Each may run twice: a task that was resolved stays so, and once. */
export function createBulkActivities(dependencies: Dependencies) {
  const { database } = dependencies;
  return {
    /**
     * Resolves the next tasks of a run, no faster than its rate. The first ones go one by one, and
     * the first that fails among them ends the run.
     *
     * @returns how the run stands then.
     */
    async resolveBatch({ bulkId }: ResolveTasksInput): Promise<{ state: BulkState }> {
      const run = await findBulkRun(database, bulkId);
      // Pruned, with nobody to tell.
      if (!run) return { state: 'aborted' };
      if (run.state !== 'running') return { state: run.state };
      const rows = await listBulkRows(database, { bulkId, states: ['pending'], limit: BATCH });
      if (rows.length === 0) return { state: await endAs(database, bulkId, 'done') };
      return whileBeating(() => resolveRows(dependencies, run, rows));
    },
  };
}

async function resolveRows(
  dependencies: Dependencies,
  run: BulkRun,
  rows: BulkRow[],
): Promise<{ state: BulkState }> {
  const { database } = dependencies;
  const { id: bulkId, ratePerSecond } = run;
  // Also what failed before a worker that was lost.
  const before = (await countBulkRows(database, [bulkId])).get(bulkId);
  let [resolved, failed] = [before?.resolved ?? 0, before?.failed ?? 0];
  const { cancellationSignal } = Context.current();
  for (let next = 0; next < rows.length;) {
    const isCanary = resolved < BULK_CANARY;
    if (isCanary && failed > 0) return { state: await endAs(database, bulkId, 'canaryFailed') };
    const state = (await findBulkRun(database, bulkId))?.state ?? 'aborted';
    if (state !== 'running') return { state };
    const size = isCanary ? 1 : Math.ceil(ratePerSecond / LOOKS_PER_SECOND);
    const chunk = rows.slice(next, next + size);
    const begun = Date.now();
    const results = await Promise.all(chunk.map((row) => resolveRow(dependencies, run, row)));
    resolved += results.filter(({ state: each }) => each === 'resolved').length;
    failed += results.filter(({ state: each }) => each === 'failed').length;
    next += chunk.length;
    const pauseMs = begun + (chunk.length / ratePerSecond) * 1_000 - Date.now();
    await delay(Math.max(0, pauseMs), undefined, { signal: cancellationSignal });
  }
  const endsEarly = resolved < BULK_CANARY && failed > 0;
  return { state: endsEarly ? await endAs(database, bulkId, 'canaryFailed') : 'running' };
}

async function resolveRow(
  { database, temporal }: Dependencies,
  run: BulkRun,
  row: BulkRow,
): Promise<BulkRowResult> {
  const [end] = await findTaskEnds(database, [row]);
  const result = outcomeOf(run, row, end) ?? (await send({ database, temporal }, run, row));
  await recordBulkRow(database, { bulkId: run.id, result });
  return result;
}

/** Has the task's workflow resolve it, unless the run has done so before. */
async function send(
  { database, temporal }: Dependencies,
  run: BulkRun,
  row: BulkRow,
): Promise<BulkRowResult> {
  const { n, taskId } = row;
  const { decision, actor, note, via } = run;
  const openedAt = row.openedAt.toISOString();
  const resolution: Resolution = { decision, actor, note, via, openedAt };
  try {
    await temporal.withDeadline(Date.now() + ANSWER_MS, () =>
      temporal.workflow.getHandle(taskId).executeUpdate(UPDATES.resolve, {
        args: [resolution],
        updateId: bulkUpdateId(run.id, n),
      }),
    );
    crashPoint('bulk.afterResolve');
    return { n, state: 'resolved' };
  } catch (error) {
    const why = await whyNot(temporal, taskId, error);
    return (await whoWasQuicker(database, run, row)) ?? { n, state: 'failed', outcome: why };
  }
}

/**
 * Why a task was not resolved, in words for people.
 *
 * @throws the error where it is not the task's: then all is tried again.
 */
async function whyNot(temporal: Client, taskId: string, error: unknown): Promise<string> {
  if (error instanceof WorkflowUpdateFailedError) return error.cause?.message ?? error.message;
  if (error instanceof WorkflowNotFoundError) return `no workflow ${taskId} runs: sweep finds it`;
  // Where Temporal answers to this, it is the workflow that does not.
  const asked = await temporal.withDeadline(Date.now() + CLOSE_MS, () =>
    temporal.workflow
      .getHandle(taskId)
      .describe()
      .catch(() => undefined),
  );
  if (!asked) throw error;
  return `the workflow did not answer within ${ANSWER_MS / 1_000} s: it may still be resolved`;
}

/** Who decided meanwhile: what is decided is in the row a moment later. */
async function whoWasQuicker(
  database: OrdersDatabase,
  run: BulkRun,
  row: BulkRow,
): Promise<BulkRowResult | undefined> {
  const until = Date.now() + CLOSE_MS;
  for (;;) {
    const [end] = await findTaskEnds(database, [row]);
    const result = outcomeOf(run, row, end);
    if (result || Date.now() > until) return result;
    await delay(CLOSE_MS / 8);
  }
}

/** What a task came to that is closed, or is not there any more; `undefined` while it is open. */
function outcomeOf(
  run: BulkRun,
  { n }: BulkRow,
  end: TaskEnd | undefined,
): BulkRowResult | undefined {
  if (!end) return { n, state: 'refused', outcome: 'the task is gone' };
  const { closedAt, closedBy } = end;
  if (!closedAt) return undefined;
  // By this run, before its worker was lost.
  if (isByRun(run, end)) return { n, state: 'resolved' };
  const at = closedAt.toISOString();
  return closedBy === 'person'
    ? { n, state: 'refused', outcome: `decided by ${end.actor} at ${at}: ${end.decision}` }
    : { n, state: 'refused', outcome: `closed by ${WHAT_CLOSED[closedBy ?? 'answer']} at ${at}` };
}

const WHAT_CLOSED = { person: 'a person', answer: 'an answer', cancellation: 'a cancellation' };

function isByRun(run: BulkRun, { closedAt, actor, note, via, decision }: TaskEnd): boolean {
  if (!closedAt || closedAt < run.createdAt) return false;
  return actor === run.actor && note === run.note && via === run.via && decision === run.decision;
}

/** @returns the state that the run has then: a person may have aborted it. */
async function endAs(
  database: OrdersDatabase,
  bulkId: number,
  state: 'done' | 'canaryFailed',
): Promise<BulkState> {
  if (await endBulkRun(database, { bulkId, state })) return state;
  return (await findBulkRun(database, bulkId))?.state ?? 'aborted';
}
