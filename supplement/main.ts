import { openOrdersDatabase } from '../database/orders/connection';
import { findLastHealthReport } from '../database/orders/health';
import { defined } from '../domain/defined';
import { readSupplementConfig } from '../runtime/config';
import { watchHealthReport } from '../runtime/report-watch';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../temporal/native-connection';
import { startSupplementSystem } from './supplement-system';

/** The supplement system as a process of its own. */
runProcess('supplement', readSupplementConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, graceMs } = config;
  const { sdkMetrics, ...connected } = await connectTemporal(temporal, log);
  const supplement = await startSupplementSystem({
    ...connected,
    amqpUrl,
    ordersDatabaseUrl,
    dispatchDatabaseUrl,
    graceMs,
    ...defined({ rabbitmqManagementUrl: config.rabbitmqManagementUrl }),
    log,
  });
  const database = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 1 });
  const report = watchHealthReport({ readLast: () => findLastHealthReport(database), log });
  return {
    ready: supplement.ready,
    details: () => ({ healthReport: report.state() }),
    moreMetrics: sdkMetrics,
    failed: supplement.failed,
    close: async () => {
      report.close();
      await database.close();
      await supplement.close();
      await connected.connection.close();
    },
  };
});
