import type { Via } from '../../domain/act';
import { defined } from '../../domain/defined';
import { prismaOf, type OrdersDatabase } from './connection';
import type { Prisma } from './generated/client';

/** Something that a person did. */
export interface AuditEntry {
  /** Decimal, counting up. */
  id: string;
  at: Date;
  /** What was done, such as `resolve`, `cancel`, `claim`. */
  act: string;
  actor: string;
  via: Via;
  note: string | null;
  orderId: string | null;
  taskId: string | null;
  decision: string | null;
  /** What else there is to say, such as how many rows. */
  facts: unknown;
}

/** What is recorded of an act, where no trigger does. */
export interface NewAuditEntry {
  act: string;
  actor: string;
  via: Via;
  note?: string;
  orderId?: string;
  taskId?: string;
  decision?: string;
  facts?: Prisma.InputJsonObject;
  /** `<workflow run>/<activity>` that records it: once, however often it runs. */
  runId?: string;
}

/** Which acts; all conditions that are given must fit. */
export interface AuditFilter {
  actor?: string;
  orderId?: string;
  /** At or after this. */
  since?: Date;
  taskId?: string;
  act?: string;
  /** Recorded before the one with this ID. */
  beforeId?: string;
}

/** Lists what people did, the newest first. */
export async function listAudit(
  database: OrdersDatabase,
  { filter, limit }: { filter: AuditFilter; limit: number },
): Promise<AuditEntry[]> {
  const { actor, orderId, since, taskId, act, beforeId } = filter;
  const rows = await prismaOf(database).auditEntry.findMany({
    omit: { runId: true },
    where: defined({
      ...{ actor, orderId, taskId, act },
      at: since && { gte: since },
      id: beforeId === undefined ? undefined : { lt: BigInt(beforeId) },
    }),
    orderBy: { id: 'desc' },
    take: limit,
  });
  // As the writing side wrote it.
  return rows.map((row) => ({ ...row, id: String(row.id), via: row.via as Via }));
}

/** Records an act. */
export async function insertAudit(database: OrdersDatabase, entry: NewAuditEntry): Promise<void> {
  await prismaOf(database).auditEntry.createMany({ data: entry, skipDuplicates: true });
}
