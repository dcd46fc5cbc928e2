import { loadDataConverter } from '../client/codec-module';
import { toConnectionOptions } from '../client/connection-options';
import { readWorkerConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../runtime/temporal-process';
import { createOrderDispatchWorker } from './worker';

/** The worker as a process of its own. */
runProcess('worker', readWorkerConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, policy } = config;
  const { namespace, codecModule } = temporal;
  const connection = await connectTemporal(await toConnectionOptions(temporal), log);
  const worker = await createOrderDispatchWorker({
    connection,
    namespace,
    ...(codecModule && { dataConverter: loadDataConverter(codecModule) }),
    amqpUrl,
    ordersDatabaseUrl,
    policy,
    log,
  });
  return {
    ready: worker.ready,
    failed: worker.failed,
    close: async () => {
      await worker.close();
      await connection.close();
    },
  };
});
