import { readWorkerConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { connectTemporal } from '../temporal/native-connection';
import { createOrderDispatchWorker } from './worker';

/** The worker as a process of its own. */
runProcess('worker', readWorkerConfig, async (config, log) => {
  const { temporal, amqpUrl, ordersDatabaseUrl, policy } = config;
  const connected = await connectTemporal(temporal, log);
  const worker = await createOrderDispatchWorker({
    ...connected,
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
      await connected.connection.close();
    },
  };
});
