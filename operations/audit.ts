import { listAudit, type AuditEntry, type AuditFilter } from '../database/orders/audit';
import type { OrdersDatabase } from '../database/orders/connection';

export type { AuditEntry, AuditFilter } from '../database/orders/audit';

/** Lists what people did, the newest first. */
export function readAudit(
  database: OrdersDatabase,
  given: { filter: AuditFilter; limit: number },
): Promise<AuditEntry[]> {
  return listAudit(database, given);
}
