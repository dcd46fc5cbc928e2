import type { Repair, RepairAction } from '../../domain/reconciliation';
import type { Facts } from '../../domain/verdict';
import type { OrdersDatabase } from './connection';
import type { Repair as RepairModel } from './generated/client';

/** A repair as the table has it. */
export interface RepairRecord extends Repair {
  /** Decimal, counting up. */
  id: string;
  /** The workflow run that recorded it. */
  runId: string;
  createdAt: Date;
}

/** Which repairs; all conditions that are given must fit. */
export interface RepairFilter {
  orderId?: string;
  done?: RepairAction;
  /** Recorded at or after this. */
  since?: Date;
}

/** Lists repairs, the newest first. */
export async function listRepairs(
  database: OrdersDatabase,
  { filter: { orderId, done, since }, limit }: { filter: RepairFilter; limit: number },
): Promise<RepairRecord[]> {
  const rows = await database.repair.findMany({
    where: {
      ...(orderId !== undefined && { orderId }),
      ...(done !== undefined && { done }),
      ...(since && { createdAt: { gte: since } }),
    },
    orderBy: { id: 'desc' },
    take: limit,
  });
  return rows.map(toRecord);
}

/** Finds a repair; `undefined` where there is none. */
export async function findRepair(
  database: OrdersDatabase,
  id: string,
): Promise<RepairRecord | undefined> {
  const row = await database.repair.findUnique({ where: { id: BigInt(id) } });
  return row ? toRecord(row) : undefined;
}

function toRecord({ actor, note, ...row }: RepairModel): RepairRecord {
  return {
    ...row,
    id: String(row.id),
    // As the recording side wrote them.
    done: row.done as RepairAction,
    before: row.before as unknown as Facts,
    after: row.after as unknown as Facts,
    ...(actor !== null && { actor }),
    ...(note !== null && { note }),
  };
}
