import type { OrdersDatabase } from '../database/orders/connection';
import { findLastHealthReport } from '../database/orders/health';
import { HEALTH_STALE_AFTER_MS, type HealthReport } from '../domain/health';

/** The last health report, and what to make of it. */
export interface Health {
  /** `stale`: nobody has checked for five minutes, so that nothing is known. */
  state: 'healthy' | 'unhealthy' | 'stale';
  /** Absent where there never was one. */
  report?: HealthReport;
  ageMs?: number;
}

/** Reads the last health report. A warning alone does not make it unhealthy. */
export async function readHealth(database: OrdersDatabase): Promise<Health> {
  const report = await findLastHealthReport(database);
  if (!report) return { state: 'stale' };
  const ageMs = Date.now() - Date.parse(report.at);
  if (ageMs > HEALTH_STALE_AFTER_MS) return { state: 'stale', report, ageMs };
  const isUnhealthy = report.findings.some(({ severity }) => severity === 'critical');
  return { state: isUnhealthy ? 'unhealthy' : 'healthy', report, ageMs };
}
