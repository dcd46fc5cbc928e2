import * as table from '../database/orders/repairs';
import type { RepairFilter, RepairRecord } from '../database/orders/repairs';
import { ResolutionRefused } from '../domain/errors';
import type { OperatorDatabases } from './open-databases';

export type { RepairFilter, RepairRecord } from '../database/orders/repairs';

/** Lists repairs, the newest first. */
export function listRepairs(
  { orders }: OperatorDatabases,
  given: { filter: RepairFilter; limit: number },
): Promise<RepairRecord[]> {
  return table.listRepairs(orders, given);
}

/**
 * Reads a repair.
 *
 * @param id decimal, as the list has it.
 * @throws {@link ResolutionRefused} where there is none with this ID.
 */
export async function readRepair({ orders }: OperatorDatabases, id: string): Promise<RepairRecord> {
  const repair = await table.findRepair(orders, id);
  if (!repair) throw new ResolutionRefused(`there is no repair ${id}`);
  return repair;
}
