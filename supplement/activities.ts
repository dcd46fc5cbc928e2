import { findDispatchRows, toDispatchFacts } from '../database/dispatch/dispatch-view';
import { followHealthFindings, insertHealthReport } from '../database/orders/health';
import { UnroutableMessage } from '../domain/errors';
import type { HealthReport, HealthSeverity } from '../domain/health';
import type { HealthChecked } from '../domain/messages/health-checked';
import type { SupplementActivities } from '../domain/reconciliation';
import { checkHealth, type HealthDependencies } from '../health/check-health';
import { healthCheckedMessage } from '../messaging/messages';
import type { Publisher } from '../messaging/publisher';
import type { Logger } from '../runtime/logger';
import { sweep } from '../reconciliation/sweep';
import { whileBeating } from '../temporal/while-beating';

/** The activities that workflows reach on the supplement system's task queue: it alone has both databases. */
export function createSupplementActivities(
  dependencies: HealthDependencies & {
    /** Tells of each health check. */
    publisher: Publisher;
  },
): SupplementActivities {
  const { orders, dispatchView, temporal, publisher, log } = dependencies;
  return {
    async findDispatch({ orderId }) {
      const rows = await findDispatchRows(dispatchView, [orderId]);
      return toDispatchFacts(rows.get(orderId));
    },

    async checkHealth() {
      const report = await checkHealth(dependencies);
      await insertHealthReport(orders, report);
      await followHealthFindings(orders, report.findings);
      for (const { severity, code, what, whatToDo } of report.findings) {
        log[severity === 'critical' ? 'error' : 'warn']({ code, whatToDo }, what);
      }
      const { critical, warning } = countFindings(report);
      await tellOfCheck(publisher, { at: report.at, critical, warning }, log);
      return { critical, warning };
    },

    async sweepOrders({ from, until }) {
      const { looked, found, tasks } = await whileBeating(() =>
        sweep({ orders, dispatchView, temporal, from: new Date(from), until: new Date(until) }),
      );
      log.info({ from, until, looked, found: found.length, tasks }, 'swept');
      return { looked, found: found.length };
    },
  };
}

function countFindings({ findings }: HealthReport): Pick<HealthChecked, HealthSeverity> {
  const count = (wanted: HealthSeverity) =>
    findings.filter(({ severity }) => severity === wanted).length;
  return { critical: count('critical'), warning: count('warning') };
}

/** Tells whoever listens. Not again where that fails: the next check is a minute away, and told itself. */
async function tellOfCheck(publisher: Publisher, checked: HealthChecked, log: Logger) {
  try {
    await publisher.publish(healthCheckedMessage(checked));
  } catch (error) {
    if (!(error instanceof UnroutableMessage))
      log.warn({ err: error }, 'nobody hears of the check');
  }
}
