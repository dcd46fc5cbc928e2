import { HEALTH_STALE_AFTER_MS, type KnownReport } from '../domain/health';
import type { Logger } from './logger';
import { showReport } from './metrics';

const LOOK_EVERY_MS = 15_000;

/** What a process knows of the health check that another one makes. */
export interface ReportWatch {
  /** `stale` where nobody has checked for five minutes: then nothing is known of the service. */
  state: () => 'fresh' | 'stale' | 'unknown';
  close: () => void;
}

/**
 * Minds the last health report: a check that nobody makes finds nothing, so that each process says when
 * there is none. The metrics show the report's figures, where they are known.
 *
 * @param options.readLast the last report.
 * @param options.everyMs how often it looks. @default 15000
 */
export function watchHealthReport(options: {
  readLast: () => Promise<KnownReport | undefined>;
  log: Logger;
  everyMs?: number;
}): ReportWatch {
  const { readLast, log, everyMs = LOOK_EVERY_MS } = options;
  const startedAt = Date.now();
  let state: ReturnType<ReportWatch['state']> = 'unknown';
  const look = async () => {
    const report = await readLast();
    // Of a service that has just begun, the first report may be a minute away.
    const ageMs = Date.now() - (report ? Date.parse(report.at) : startedAt);
    showReport(report, ageMs);
    const isStale = ageMs > HEALTH_STALE_AFTER_MS;
    if (isStale && state !== 'stale') {
      const what =
        'nobody checks the health of the service: does the supplement system run, and are there schedules (setup schedules)?';
      log.error({ lastReport: report?.at }, what);
    }
    if (!isStale && state === 'stale') log.info('the health of the service is checked again');
    state = isStale ? 'stale' : report ? 'fresh' : 'unknown';
  };
  const timer = setInterval(() => {
    // While the database is away, the process says so itself.
    look().catch((error: unknown) => log.debug({ err: error }, 'no health report can be read'));
  }, everyMs).unref();
  look().catch(() => {});
  return { state: () => state, close: () => clearInterval(timer) };
}
