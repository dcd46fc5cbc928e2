import { OrderDispatchClient } from '../../client';
import { expectDispatched, serveContestant } from '../contestant';

/** (a') This service with its worker in a process of its own: this one is the order service. */
serveContestant(async ({ temporalAddress, namespace }) => {
  const client = await OrderDispatchClient.connect({ address: temporalAddress, namespace });
  return {
    dispatch: async (order) => {
      const handle = await client.placeOrder(order);
      expectDispatched(await handle.result());
    },
    close: () => client.close(),
  };
});
