import { defined } from '../../domain/defined';
import type { EscalationReason, OrderStatus } from '../../domain/status';
import type { TimelineEntry } from '../../domain/timeline';
import { prismaOf, type OrdersDatabase } from './connection';

/** Entries of one kind that are told of one order, the newest first: nobody reads more. */
const MOST = 1_000;

/** What the order database recorded of an order. */
export interface RecordedTimeline {
  entries: TimelineEntry[];
  /** Null where there is no row. */
  status: OrderStatus | null;
}

type Recorded = Omit<TimelineEntry, 'from' | 'at'> & { at: Date };

/** Reads it. */
export async function readRecordedTimeline(
  database: OrdersDatabase,
  orderId: string,
): Promise<RecordedTimeline> {
  const prisma = prismaOf(database);
  const given = { where: { orderId }, take: MOST } as const;
  const [row, answers, tasks, acts, events, repairs, deadLetters] = await Promise.all([
    prisma.order.findUnique({ where: { orderId }, omit: { order: true } }),
    prisma.acknowledgement.findMany({ ...given, orderBy: { id: 'desc' } }),
    prisma.humanTask.findMany({ ...given, orderBy: { openedAt: 'desc' } }),
    prisma.auditEntry.findMany({ ...given, orderBy: { id: 'desc' } }),
    prisma.outcomeEvent.findMany({
      where: { subject: orderId, type: { in: Object.keys(OUTCOMES) } },
      orderBy: { id: 'desc' },
      take: MOST,
    }),
    prisma.repair.findMany({ ...given, orderBy: { id: 'desc' } }),
    prisma.deadLetter.findMany({
      ...given,
      select: { messageId: true, deadLetterReason: true, firstFailedAt: true },
      orderBy: { id: 'desc' },
    }),
  ]);
  const entries: Recorded[] = [
    ...(row ? [{ at: row.createdAt, what: 'placed' as const }] : []),
    ...answers.map((answer) => ({
      at: answer.receivedAt,
      what: 'acknowledged' as const,
      requestId: answer.requestId,
      outcome: answer.outcome,
      class: answer.class,
      ...texts({ courierId: answer.courierId, rejectionCode: answer.rejectionCode }),
    })),
    ...tasks.flatMap(ofTask),
    ...acts.map(({ at, act, actor, via, note, decision, taskId }) => ({
      at,
      what: KINDS_OF_ACTS[act] ?? ('acted' as const),
      ...(KINDS_OF_ACTS[act] ? {} : { act }),
      actor,
      via,
      ...texts({ note, decision, taskId }),
    })),
    ...events.flatMap(({ createdAt, type, body }) => {
      const what = OUTCOMES[type];
      const { courierId, rejectionCode } = body as Partial<Record<string, string>>;
      return what ? [{ at: createdAt, what, ...defined({ courierId, rejectionCode }) }] : [];
    }),
    ...repairs.map(({ createdAt, found, done, actor, note }) => ({
      at: createdAt,
      what: 'repaired' as const,
      found,
      done,
      ...texts({ actor, note }),
    })),
    ...deadLetters.map(({ messageId, deadLetterReason, firstFailedAt }) => ({
      at: firstFailedAt,
      what: 'deadLettered' as const,
      requestId: messageId,
      deadLetterReason,
    })),
    ...(row?.erasedAt ? [{ at: row.erasedAt, what: 'erased' as const }] : []),
  ];
  return {
    entries: entries.map(({ at, ...entry }) => ({
      at: at.toISOString(),
      ...entry,
      from: 'orderDatabase',
    })),
    // The row's constraint vouches for the word.
    status: (row?.status as OrderStatus | undefined) ?? null,
  };
}

const OUTCOMES: Readonly<Record<string, 'dispatched' | 'cancelled'>> = {
  'order.dispatched.v1': 'dispatched',
  'order.cancelled.v1': 'cancelled',
};

const KINDS_OF_ACTS: Readonly<Record<string, 'resolved' | 'cancellationAsked'>> = {
  resolve: 'resolved',
  cancel: 'cancellationAsked',
};

/** What a person closed is in the audit. */
function ofTask(task: {
  taskId: string;
  openedAt: Date;
  escalationReason: string;
  closedAt: Date | null;
  closedBy: string | null;
}): Recorded[] {
  const { taskId, openedAt, closedAt, closedBy } = task;
  const escalationReason = task.escalationReason as EscalationReason;
  return [
    { at: openedAt, what: 'escalated', taskId, escalationReason },
    ...(closedAt && closedBy !== null && closedBy !== 'person'
      ? [{ at: closedAt, what: 'taskClosed' as const, taskId, closedBy }]
      : []),
  ];
}

/** The fields that are not null. */
function texts<Name extends string>(
  fields: Record<Name, string | null>,
): { [Each in Name]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as never;
}
