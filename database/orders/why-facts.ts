import { defined } from '../../domain/defined';
import type { Hold } from '../../domain/hold';
import { DEFAULT_POLICY, effectivePolicy, type PolicyOverrides } from '../../domain/policy';
import type { WhyFacts, WhyTask } from '../../domain/why-facts';
import { prismaOf, type OrdersDatabase } from './connection';
import { listHumanTasks } from './human-tasks';
import { toOrderState } from './order-row';
import { findAnswersFor } from './read-order';

/** Tasks of one order that are open at once: its own, and a finding's. */
const OPEN_AT_ONCE = 5;

/** What the order database knows of why an order stands where it does. */
export type RecordedWhyFacts = Pick<WhyFacts, 'answer' | 'closedByAnswerAt' | 'hold'> &
  Required<Pick<WhyFacts, 'order' | 'tasks' | 'openDeadLetters'>> & {
    /** Whether anything at all is recorded about it: of an order whose row is lost, its answers. */
    isKnown: boolean;
  };

/** Reads it; nothing of it is personal but the names of those who decided. */
export async function readWhyFacts(
  database: OrdersDatabase,
  orderId: string,
): Promise<RecordedWhyFacts> {
  const prisma = prismaOf(database);
  const [row, tasks, lastTask, answers, openDeadLetters, held] = await Promise.all([
    prisma.order.findUnique({ where: { orderId }, omit: { order: true } }),
    listHumanTasks(database, { filter: { about: orderId }, limit: OPEN_AT_ONCE }),
    prisma.humanTask.findFirst({
      where: { orderId, kind: 'order' },
      orderBy: { openedAt: 'desc' },
    }),
    prisma.acknowledgement.count({ where: { orderId } }),
    prisma.deadLetter.count({ where: { orderId, state: 'open' } }),
    prisma.heldOrder.findFirst({ where: { orderId, toldAt: null }, include: { hold: true } }),
  ]);
  const state = row && toOrderState(row);
  const { answer } = state ? await findAnswersFor(database, state) : {};
  const closedByAnswerAt =
    lastTask?.closedBy === 'answer' ? lastTask.closedAt?.toISOString() : undefined;
  return {
    order: row &&
      state && {
        ...state,
        policy: effectivePolicy(DEFAULT_POLICY, row.policy as PolicyOverrides),
        createdAt: row.createdAt.toISOString(),
        updatedAt: row.updatedAt.toISOString(),
      },
    ...defined({ answer, closedByAnswerAt, hold: held ? toWhyHold(held) : undefined }),
    tasks: tasks.map(toWhyTask),
    openDeadLetters,
    isKnown: row !== null || tasks.length > 0 || lastTask !== null || answers > 0,
  };
}

function toWhyHold(held: { heldAt: Date; hold: Hold }): NonNullable<WhyFacts['hold']> {
  const { heldBy, note, endedAt } = held.hold;
  return { heldAt: held.heldAt.toISOString(), heldBy, note, isReleased: endedAt !== null };
}

function toWhyTask(task: Awaited<ReturnType<typeof listHumanTasks>>[number]): WhyTask {
  const { taskId, escalationReason, openedAt, dueAt, overdueAt, claimedBy } = task;
  return {
    taskId,
    escalationReason,
    openedAt: openedAt.toISOString(),
    dueAt: dueAt.toISOString(),
    overdueAt: overdueAt.toISOString(),
    ...defined({
      claimedBy: claimedBy ?? undefined,
      claimedUntil: task.claimedUntil?.toISOString(),
      snoozedUntil: task.snoozedUntil?.toISOString(),
    }),
  };
}
