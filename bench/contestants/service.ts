import { NativeConnection } from '@temporalio/worker';
import { createOrderDispatchWorker } from '../../worker';
import { expectDispatched, serveContestant } from '../contestant';

/** (a) This service as an order service embeds it: orders start eagerly, in this process. */
serveContestant(async ({ temporalAddress, namespace, amqpUrl, ordersDatabaseUrl }) => {
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const worker = await createOrderDispatchWorker({
    connection,
    namespace,
    amqpUrl,
    ordersDatabaseUrl,
  });
  return {
    dispatch: async (order) => {
      const handle = await worker.client.placeOrder(order);
      expectDispatched(await handle.result());
    },
    close: async () => {
      await worker.close();
      await connection.close();
    },
  };
});
