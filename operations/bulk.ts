import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy, type Client } from '@temporalio/client';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  countBulkRows,
  endBulkRun,
  findBulkRun,
  insertBulkRun,
  listBulkRows,
  listBulkRuns,
} from '../database/orders/bulk';
import { translated } from '../client/translate-error';
import { parseAct, type Act } from '../domain/act';
import {
  BULK_DECISIONS,
  type BulkCounts,
  type BulkDecision,
  type BulkRow,
  type BulkRun,
  type ResolveTasksInput,
  type ResolveTasksResult,
} from '../domain/bulk';
import { defined } from '../domain/defined';
import { ResolutionRefused } from '../domain/errors';
import type { HumanTaskFilter } from '../domain/human-task';
import { TASK_QUEUES, WORKFLOW_TYPES, resolveTasksWorkflowId } from '../domain/temporal-names';
import { findWorkflowStatus } from '../temporal/order-workflows';
import { listTasks, type HumanTaskList } from './human-tasks';

/** How many tasks a run resolves per second, where nobody says otherwise. */
const DEFAULT_BULK_RATE = 20;

/** How many tasks one run takes at most. */
const MAXIMUM_BULK_TASKS = 100_000;

/** How many tasks a plan shows. */
const SAMPLE = 5;

/** How many tasks of a run that were not resolved are told. */
const TOLD = 1_000;

/** Which tasks a run is about. At least one condition, so that nobody decides about all by a slip. */
export interface BulkSelection {
  filter: Omit<HumanTaskFilter, 'about'>;
  /** The oldest so many. @default 100000 */
  limit?: number;
}

/** What a run would be about. */
export type BulkPlan = HumanTaskList;

/** Counts what {@link startBulk} would decide about, and changes nothing. */
export async function planBulk(
  database: OrdersDatabase,
  { filter, limit = MAXIMUM_BULK_TASKS }: BulkSelection,
): Promise<BulkPlan> {
  const resolvable: HumanTaskFilter = { ...checked(filter), exceptKind: 'health' };
  const plan = await listTasks(database, { filter: resolvable, limit: SAMPLE });
  return { ...plan, matched: Math.min(plan.matched, limit) };
}

/** What is to be decided about the tasks, by whom and how fast. */
export interface BulkOrder extends BulkSelection {
  decision: BulkDecision;
  actor: string;
  note: string;
  /** Which way the act comes. @default 'cli' */
  via?: Act['via'];
  /** Tasks per second, at most. @default 20 */
  ratePerSecond?: number;
  /** How many they must be, as the plan said. @default whatever fits */
  expected?: number;
}

/** A run that has begun. */
export interface BegunBulk {
  bulkId: number;
  tasks: number;
  workflowId: string;
}

/**
 * Decides about many human tasks: freezes the set of those that are open now, and has a durable workflow
 * resolve them, the oldest first. First a few, and where one of these fails, no other is touched. It
 * needs nobody to wait for it.
 *
 * @throws {@link ResolutionRefused} where no open task fits, or another number than expected, where no condition is given, and where the
 * decision, the actor or the note is missing or not possible; DispatchUnavailable where Temporal cannot
 * be reached: then nothing is resolved.
 */
export async function startBulk(
  { database, temporal }: { database: OrdersDatabase; temporal: Client },
  given: BulkOrder,
): Promise<BegunBulk> {
  const { decision, limit = MAXIMUM_BULK_TASKS } = given;
  const { via = 'cli', ratePerSecond = DEFAULT_BULK_RATE, expected } = given;
  const act = { ...parseAct(given), via };
  if (!BULK_DECISIONS.includes(decision)) {
    throw new ResolutionRefused(
      `${decision} is not possible for many tasks at once, only ${BULK_DECISIONS.join(', ')}`,
    );
  }
  const filter = checked(given.filter);
  const run = { ...act, decision, filter, ratePerSecond, limit, ...defined({ expected }) };
  const begun = await insertBulkRun(database, run);
  if (!begun) {
    const { matched } = await planBulk(database, { filter, limit });
    throw new ResolutionRefused(
      matched === 0
        ? 'no open human task fits: nothing is to be decided'
        : `${matched} tasks fit by now, and not ${expected}: look at them again first`,
    );
  }
  const { id: bulkId, tasks } = begun;
  const workflowId = resolveTasksWorkflowId(bulkId);
  try {
    await translated('', () => start(temporal, { bulkId }));
  } catch (error) {
    // Whatever came of the start, nothing is resolved then: a workflow looks at its run first.
    await endBulkRun(database, { bulkId, state: 'aborted' });
    throw error;
  }
  return { bulkId, tasks, workflowId };
}

async function start(temporal: Client, input: ResolveTasksInput): Promise<void> {
  await temporal.workflow.start<(input: ResolveTasksInput) => Promise<ResolveTasksResult>>(
    WORKFLOW_TYPES.resolveTasks,
    {
      taskQueue: TASK_QUEUES.main,
      workflowId: resolveTasksWorkflowId(input.bulkId),
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      args: [input],
    },
  );
}

/**
 * Has a run go on whose workflow was never started, or was ended: whoever began it may have died just then.
 * Of one that is under way nothing changes.
 *
 * @throws {@link ResolutionRefused} where the run is over, or there is none; DispatchUnavailable where
 * Temporal cannot be reached.
 */
export async function resumeBulk(
  { database, temporal }: { database: OrdersDatabase; temporal: Client },
  bulkId: number,
): Promise<BulkProgress> {
  const progress = await readBulk(database, bulkId);
  if (progress.run.state !== 'running') throw isOver(progress.run);
  await translated('', () => start(temporal, { bulkId }));
  return progress;
}

/**
 * Whether a run's workflow runs. One that does not, of a run that is not over, needs {@link resumeBulk}.
 *
 * @throws DispatchUnavailable if Temporal cannot be reached.
 */
export async function isUnderWay(temporal: Client, bulkId: number): Promise<boolean> {
  const status = await translated('', () =>
    findWorkflowStatus(temporal, resolveTasksWorkflowId(bulkId)),
  );
  return status === 'RUNNING' || status === 'PAUSED';
}

function checked(filter: HumanTaskFilter): HumanTaskFilter {
  const isEmpty = Object.values(filter).every((condition) => condition === undefined);
  if (!isEmpty) return filter;
  throw new ResolutionRefused('which tasks? give at least one condition, such as reason');
}

/** A run, and how far it is. */
export interface BulkProgress {
  run: BulkRun;
  counts: BulkCounts;
}

/** A run with the tasks that it did not resolve. */
export interface BulkReport extends BulkProgress {
  /** Refused and failed, with what came of them; the first thousand. */
  rows: BulkRow[];
}

/** Lists runs, the newest first. */
export async function listBulk(database: OrdersDatabase, limit: number): Promise<BulkProgress[]> {
  const runs = await listBulkRuns(database, limit);
  const counts = await countBulkRows(
    database,
    runs.map(({ id }) => id),
  );
  return runs.map((run) => ({ run, counts: countsOf(counts, run.id) }));
}

/**
 * How far a run is.
 *
 * @throws {@link ResolutionRefused} where there is no such run.
 */
export async function readBulk(database: OrdersDatabase, bulkId: number): Promise<BulkProgress> {
  const run = await findBulkRun(database, bulkId);
  if (!run) throw new ResolutionRefused(`there is no bulk run ${bulkId}: list them`);
  return { run, counts: countsOf(await countBulkRows(database, [bulkId]), bulkId) };
}

/**
 * How far a run is, and what it did not resolve, with the reasons.
 *
 * @throws {@link ResolutionRefused} where there is no such run.
 */
export async function reportBulk(database: OrdersDatabase, bulkId: number): Promise<BulkReport> {
  const states = ['refused', 'failed'] as const;
  const [progress, rows] = await Promise.all([
    readBulk(database, bulkId),
    listBulkRows(database, { bulkId, states, limit: TOLD }),
  ]);
  return { ...progress, rows };
}

/**
 * Ends a run: tasks whose turn has not come are left as they are. Those few that are being resolved just
 * then still are.
 *
 * @param given.via which way the act comes. @default 'cli'
 * @throws {@link ResolutionRefused} where the run does not run, or there is none, and where the actor or
 * the note is missing.
 */
export async function abortBulk(
  database: OrdersDatabase,
  given: { bulkId: number; actor: string; note: string; via?: Act['via'] },
): Promise<BulkProgress> {
  const { bulkId, via = 'cli' } = given;
  const abortedBy = { ...parseAct(given), via };
  if (await endBulkRun(database, { bulkId, state: 'aborted', abortedBy })) {
    return readBulk(database, bulkId);
  }
  const { run } = await readBulk(database, bulkId);
  throw isOver(run);
}

function isOver({ id, endedAt, state }: BulkRun): ResolutionRefused {
  return new ResolutionRefused(`bulk run ${id} is over since ${endedAt?.toISOString()}: ${state}`);
}

function countsOf(counts: ReadonlyMap<number, BulkCounts>, bulkId: number): BulkCounts {
  return counts.get(bulkId) ?? { pending: 0, resolved: 0, refused: 0, failed: 0, skipped: 0 };
}
