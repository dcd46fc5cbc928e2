import { openOrdersDatabase } from '../database/orders/connection';
import { findLastHealthReport } from '../database/orders/health';
import { defined } from '../domain/defined';
import { readWorkerConfig } from '../runtime/config';
import { watchHealthReport } from '../runtime/report-watch';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../temporal/native-connection';
import { createOrderDispatchWorker } from './worker';

/** The worker as a process of its own. */
runProcess('worker', readWorkerConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, policy } = config;
  const { sdkMetrics, ...connected } = await connectTemporal(temporal, log);
  const worker = await createOrderDispatchWorker({
    ...connected,
    amqpUrl,
    ordersDatabaseUrl,
    policy,
    log,
    ...defined({ version: config.version }),
  });
  const database = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 1 });
  const report = watchHealthReport({ readLast: () => findLastHealthReport(database), log });
  return {
    ready: worker.ready,
    details: () => ({ healthReport: report.state() }),
    moreMetrics: sdkMetrics,
    failed: worker.failed,
    close: async () => {
      report.close();
      await database.close();
      await worker.close();
      await connected.connection.close();
    },
  };
});
