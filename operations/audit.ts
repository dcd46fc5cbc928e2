import {
  insertAudit,
  listAudit,
  type AuditEntry,
  type AuditFilter,
} from '../database/orders/audit';
import type { OrdersDatabase } from '../database/orders/connection';
import { parseAct, type Via } from '../domain/act';

export type { AuditEntry, AuditFilter } from '../database/orders/audit';

/** Lists what people did, the newest first. */
export function readAudit(
  database: OrdersDatabase,
  given: { filter: AuditFilter; limit: number },
): Promise<AuditEntry[]> {
  return listAudit(database, given);
}

/**
 * Writes down something about an order, for others to read.
 *
 * @throws ResolutionRefused where the actor or the note is missing.
 */
export async function noteOrder(
  database: OrdersDatabase,
  given: { orderId: string; actor: string; via: Via; note: string },
): Promise<void> {
  const { orderId, via } = given;
  await insertAudit(database, { act: 'note', ...parseAct(given), orderId, via });
}
