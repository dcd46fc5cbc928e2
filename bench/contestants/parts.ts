import { Client } from '@temporalio/client';
import { QuickPath } from '../../activities/quick-path';
import { createSubmitActivities } from '../../activities/submit-order';
import { openOrdersDatabase } from '../../database/orders/connection';
import { DEFAULT_POLICY } from '../../domain/policy';
import { Publisher } from '../../messaging/publisher';
import { createLogger } from '../../runtime/logger';
import { lazyConnection } from '../../temporal/connection';
import { startAcknowledgementConsumer } from '../../worker/acknowledgement-consumer';
import { expectDispatched, serveContestant } from '../contestant';

/**
 * (e) The parts of this service without Temporal: what `dispatchOrder` does in its first task, called
 * directly. What it takes more than the floor is ours, and what the service takes more than this and
 * the ceiling together is lost in between.
 */
serveContestant(async ({ amqpUrl, ordersDatabaseUrl }) => {
  const log = createLogger({ process: 'parts', level: 'info' });
  const database = openOrdersDatabase({ url: ordersDatabaseUrl, maximumConnections: 20 });
  const publisher = await Publisher.open({ url: amqpUrl, name: 'parts publish', log });
  // Never connects: every answer finds its order waiting here.
  const temporal = new Client({ connection: lazyConnection({}) });
  const quickPath = new QuickPath(Number.MAX_SAFE_INTEGER);
  const parts = { database, publisher, quickPath, temporal, log };
  const consumer = await startAcknowledgementConsumer({ ...parts, amqpUrl });
  const activities = createSubmitActivities({
    ...parts,
    defaultPolicy: { ...DEFAULT_POLICY, quickWindowMs: 60_000 },
    sawFirstTask: () => {},
    replyKey: consumer.replyKey,
  });
  return {
    dispatch: async (order) => {
      const startedAt = new Date().toISOString();
      expectDispatched((await activities.submitOrder({ order, startedAt })).order);
    },
    close: async () => {
      await consumer.close();
      await publisher.close();
      await database.close();
    },
  };
});
