import { listAudit } from '../database/orders/audit';
import {
  claimTask,
  findHumanTask,
  groupHumanTasks,
  listHumanTasks,
  noteTask,
  releaseTask,
  snoozeTask,
  type FoundHumanTask,
  type HumanTaskGroup,
  type TaskKey,
} from '../database/orders/human-tasks';
import type { OrdersDatabase } from '../database/orders/connection';
import { parseAct, parseActor } from '../domain/act';
import { ResolutionRefused } from '../domain/errors';
import type { HumanTaskFilter, HumanTaskRow, TaskAct } from '../domain/human-task';
import { humanTaskCursorOf, parseHumanTaskCursor } from './human-task-cursor';

/** How many notes about a task are told. */
const NOTES = 100;

/** Open human tasks, grouped first. */
export interface HumanTaskList {
  /** How many fit the filter. */
  matched: number;
  /** All that fit, by escalation reason, the most first. */
  groups: HumanTaskGroup[];
  /** Of each group, what is due first; up to the limit. */
  rows: HumanTaskRow[];
  /** With what the next page begins; null where this is the last one. */
  next: string | null;
}

/**
 * Lists the open human tasks page by page.
 *
 * @param given.after what the page before said is next.
 * @throws UsageError where it is none.
 */
export async function listTasks(
  database: OrdersDatabase,
  given: { filter: HumanTaskFilter; after?: string; limit: number },
): Promise<HumanTaskList> {
  const { filter, after, limit } = given;
  const place = after === undefined ? {} : { after: parseHumanTaskCursor(after) };
  const [groups, found] = await Promise.all([
    groupHumanTasks(database, filter),
    listHumanTasks(database, { filter, ...place, limit: limit + 1 }),
  ]);
  const matched = groups.reduce((sum, { count }) => sum + count, 0);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const next = found.length > limit && last ? humanTaskCursorOf(last) : null;
  return { matched, groups, rows, next };
}

/** A human task as the order database has it, open or closed, with what was noted about it. */
export interface RecordedTask {
  task: FoundHumanTask;
  /** The newest first. */
  notes: { at: Date; actor: string; note: string }[];
}

/**
 * Reads a human task; of a workflow that had several, the newest.
 *
 * @throws {@link ResolutionRefused} where there is none.
 */
export async function readTask(database: OrdersDatabase, taskId: string): Promise<RecordedTask> {
  const [task, acts] = await Promise.all([
    findHumanTask(database, { taskId }),
    listAudit(database, { filter: { taskId, act: 'note' }, limit: NOTES }),
  ]);
  if (!task) throw new ResolutionRefused(`there is no human task ${taskId}`);
  const notes = acts.flatMap(({ at, actor, note: text }) =>
    text === null || at < task.openedAt ? [] : [{ at, actor, note: text }],
  );
  return { task, notes };
}

/** Which open task is meant, and who does something about it. */
export interface ActOnTask {
  /** A task ID, or the ID of an order with one open task. */
  task: string;
  act: TaskAct;
}

/**
 * Claims a task for 15 minutes, or renews the claim, so that no two people look at the same.
 *
 * @param given.takeOver takes it from whoever has claimed it.
 * @throws {@link ResolutionRefused} where it is not open, or is claimed by somebody else.
 */
export async function claim(
  database: OrdersDatabase,
  { task, act, takeOver }: ActOnTask & { takeOver: boolean },
): Promise<HumanTaskRow> {
  const by = parsed(act);
  const key = await findOpenTask(database, task);
  const claimed = await claimTask(database, { key, act: by, takeOver });
  if (!claimed) throw notOpen(task);
  const { isMine, ...row } = claimed;
  if (isMine) return row;
  throw new ResolutionRefused(
    `${row.claimedBy} has claimed task ${row.taskId} until ${row.claimedUntil?.toISOString()}: it can be taken over`,
  );
}

/**
 * Gives a claim back.
 *
 * @throws {@link ResolutionRefused} where the task is not open, or was not claimed by this person.
 */
export async function release(database: OrdersDatabase, { task, act }: ActOnTask): Promise<void> {
  const by = parsed(act);
  const key = await findOpenTask(database, task);
  if (await releaseTask(database, { key, act: by })) return;
  throw new ResolutionRefused(`${by.actor} has no claim on task ${key.taskId}`);
}

/**
 * Has nobody told that a task is due before then.
 *
 * @throws {@link ResolutionRefused} where it is not open, or the time is over already.
 */
export async function snooze(
  database: OrdersDatabase,
  { task, act, until }: ActOnTask & { until: Date },
): Promise<void> {
  const by = parsed(act);
  if (until.getTime() <= Date.now()) {
    throw new ResolutionRefused(`${until.toISOString()} is over: snooze until a later time`);
  }
  const key = await findOpenTask(database, task);
  if (!(await snoozeTask(database, { key, act: by, until }))) throw notOpen(task);
}

/**
 * Writes down something about a task, for others to read.
 *
 * @throws {@link ResolutionRefused} where it is not open.
 */
export async function note(database: OrdersDatabase, { task, act }: ActOnTask): Promise<void> {
  const by = parsed(act);
  const key = await findOpenTask(database, task);
  if (!(await noteTask(database, { key, act: by }))) throw notOpen(task);
}

function parsed({ via, actor, note: why }: TaskAct): TaskAct {
  if (why === undefined) return { actor: parseActor({ actor }), via };
  return { ...parseAct({ actor, note: why }), via };
}

async function findOpenTask(database: OrdersDatabase, task: string): Promise<TaskKey> {
  const open = await listHumanTasks(database, { filter: { about: task }, limit: 10 });
  const [only, ...others] = open;
  if (!only) throw notOpen(task);
  if (others.length === 0) return only;
  const ids = open.map(({ taskId }) => taskId).join(', ');
  throw new ResolutionRefused(`order ${task} has several open tasks, say which one: ${ids}`);
}

function notOpen(task: string): ResolutionRefused {
  return new ResolutionRefused(`no human task is open: ${task}`);
}
