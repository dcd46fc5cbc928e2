import { loadDataConverter } from '../client/codec-module';
import { toConnectionOptions } from '../client/connection-options';
import { readSupplementConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../runtime/temporal-process';
import { startSupplementSystem } from './supplement-system';

/** The supplement system as a process of its own. */
runProcess('supplement', readSupplementConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, graceMs } = config;
  const { namespace, codecModule } = temporal;
  const connection = await connectTemporal(await toConnectionOptions(temporal), log);
  const supplement = await startSupplementSystem({
    connection,
    namespace,
    ...(codecModule && { dataConverter: loadDataConverter(codecModule) }),
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
      await connection.close();
    },
  };
});
