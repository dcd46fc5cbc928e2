import type { Repair, RepairAction } from '../../domain/reconciliation';
import type { Facts } from '../../domain/verdict';
import { prismaOf, type OrdersDatabase } from './connection';
import type { Prisma, Repair as RepairModel } from './generated/client';
import { defined } from '../../domain/defined';

/** A repair as the table has it. */
export interface RepairRecord extends Repair {
  /** Decimal, counting up. */
  id: string;
  /** `<workflow run>/<activity>` that recorded it. */
  runId: string;
  createdAt: Date;
}

/** Which repairs; all conditions that are given must fit. */
export interface RepairFilter {
  orderId?: string;
  done?: RepairAction;
  /** Recorded at or after this. */
  since?: Date;
  /** Recorded before the one with this ID. */
  beforeId?: string;
}

/** Lists repairs, the newest first. */
export async function listRepairs(
  database: OrdersDatabase,
  { filter, limit }: { filter: RepairFilter; limit: number },
): Promise<RepairRecord[]> {
  const { orderId, done, since, beforeId } = filter;
  const rows = await prismaOf(database).repair.findMany({
    where: {
      ...defined({
        ...{ orderId, done },
        createdAt: since && { gte: since },
        id: beforeId === undefined ? undefined : { lt: BigInt(beforeId) },
      }),
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
  const row = await prismaOf(database).repair.findUnique({ where: { id: BigInt(id) } });
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

/** Records a repair, once however often it is recorded by the same `runId`. */
export async function insertRepair(
  database: OrdersDatabase,
  repair: Repair,
  runId: string,
): Promise<void> {
  const { before, after, actor = null, note = null, ...rest } = repair;
  const json = (facts: Facts) => facts as unknown as Prisma.InputJsonObject;
  const data = { ...rest, actor, note, runId, before: json(before), after: json(after) };
  await prismaOf(database).repair.createMany({ data, skipDuplicates: true });
}

/**
 * What a person decided to keep of these orders, in one statement: only where that was the last thing
 * done about the order.
 */
export async function findKeptFactsOf(
  database: OrdersDatabase,
  orderIds: readonly string[],
): Promise<Map<string, Facts>> {
  const rows = await prismaOf(database).$queryRaw<
    { orderId: string; done: string; after: Facts }[]
  >`
    SELECT DISTINCT ON (order_id) order_id AS "orderId", done, after
    FROM repairs WHERE order_id = ANY(${[...orderIds]}::text[])
    ORDER BY order_id, id DESC`;
  return new Map(
    rows.filter(({ done }) => done === 'kept').map(({ orderId, after }) => [orderId, after]),
  );
}
