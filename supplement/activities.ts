import { findDispatchRows, toDispatchFacts } from '../database/dispatch/dispatch-view';
import { followHealthFindings, insertHealthReport } from '../database/orders/health';
import type { HealthSeverity } from '../domain/health';
import type { SupplementActivities } from '../domain/reconciliation';
import { checkHealth, type HealthDependencies } from '../health/check-health';
import { sweep } from '../reconciliation/sweep';
import { whileBeating } from '../temporal/while-beating';

/** The activities that workflows reach on the supplement system's task queue: it alone has both databases. */
export function createSupplementActivities(dependencies: HealthDependencies): SupplementActivities {
  const { orders, dispatchView, temporal, log } = dependencies;
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
      const count = (wanted: HealthSeverity) =>
        report.findings.filter(({ severity }) => severity === wanted).length;
      return { critical: count('critical'), warning: count('warning') };
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
