import type { Repair } from '../../domain/reconciliation';
import type { Facts } from '../../domain/verdict';
import type { OrdersDatabase } from './connection';
import type { Prisma } from './generated/client';

/** Records a repair, once however often it is recorded by the same `runId`. */
export async function insertRepair(
  database: OrdersDatabase,
  repair: Repair,
  runId: string,
): Promise<void> {
  const { before, after, actor = null, note = null, ...rest } = repair;
  const json = (facts: Facts) => facts as unknown as Prisma.InputJsonObject;
  const data = { ...rest, actor, note, runId, before: json(before), after: json(after) };
  await database.repair.createMany({ data, skipDuplicates: true });
}

/** What a person decided to keep, where that was the last thing done about the order. */
export async function findKeptFacts(
  database: OrdersDatabase,
  orderId: string,
): Promise<Facts | undefined> {
  const last = await database.repair.findFirst({ where: { orderId }, orderBy: { id: 'desc' } });
  return last?.done === 'kept' ? (last.after as unknown as Facts) : undefined;
}
