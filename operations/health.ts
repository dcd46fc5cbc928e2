import type { OrdersDatabase } from '../database/orders/connection';
import { findLastHealthReport, listHealthReports } from '../database/orders/health';
import {
  HEALTH_STALE_AFTER_MS,
  type HealthFigures,
  type HealthReport,
  type HealthSeverity,
} from '../domain/health';

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

/** A health report as a chart shows it. */
export interface HealthPoint {
  /** ISO 8601. */
  at: string;
  findings: Readonly<Record<HealthSeverity, number>>;
  figures: HealthFigures;
}

/** How many points a chart has at most. */
const POINTS = 500;

/** Reads the health reports of a time, the oldest first; of a long one, some of them. */
export async function readHealthHistory(
  database: OrdersDatabase,
  given: { since: Date; until: Date },
): Promise<HealthPoint[]> {
  const reports = await listHealthReports(database, { ...given, points: POINTS });
  return reports.map(({ at, report: { findings, figures } }) => ({
    at: at.toISOString(),
    findings: {
      critical: findings.filter(({ severity }) => severity === 'critical').length,
      warning: findings.filter(({ severity }) => severity === 'warning').length,
    },
    figures,
  }));
}
