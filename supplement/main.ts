import { readSupplementConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../temporal/native-connection';
import { startSupplementSystem } from './supplement-system';

/** The supplement system as a process of its own. */
runProcess('supplement', readSupplementConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, graceMs } = config;
  const connected = await connectTemporal(temporal, log);
  const supplement = await startSupplementSystem({
    ...connected,
    amqpUrl,
    ordersDatabaseUrl,
    dispatchDatabaseUrl,
    graceMs,
    log,
  });
  return {
    ready: supplement.ready,
    failed: supplement.failed,
    close: async () => {
      await supplement.close();
      await connected.connection.close();
    },
  };
});
