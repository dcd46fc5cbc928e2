import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { connect } from 'amqplib';
import { Pool } from 'pg';
import { QUEUES } from '../../domain/amqp-names';
import { createNaiveActivities } from '../naive/activities';
import { serveContestant } from '../contestant';

const TASK_QUEUE = 'naive';

/**
 * (b) The naive build of the same job, on the same tables, queues and dispatch system: worker,
 * consumer and client in this process, everything with the SDK's defaults.
 */
serveContestant(async ({ temporalAddress, namespace, amqpUrl, ordersDatabaseUrl }) => {
  const orders = new Pool({ connectionString: ordersDatabaseUrl, max: 20 });
  const broker = await connect(amqpUrl, { noDelay: true });
  const channel = await broker.createConfirmChannel();
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const client = new Client({ connection, namespace });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowsPath: require.resolve('../naive/workflow'),
    activities: createNaiveActivities({ orders, channel }),
  });
  const run = worker.run();

  await channel.prefetch(50);
  await channel.consume(QUEUES.acknowledgements, (message) => {
    if (!message) return;
    const answer = JSON.parse(message.content.toString()) as { orderId: string; courierId: string };
    // What fails here is never acked, and the benchmark's check finds it.
    void client.workflow
      .getHandle(answer.orderId)
      .signal('acknowledged', answer.courierId)
      .then(() => channel.ack(message), console.error);
  });

  return {
    dispatch: (order) =>
      client.workflow.execute('naiveDispatch', {
        workflowId: order.orderId,
        taskQueue: TASK_QUEUE,
        args: [order],
      }),
    close: async () => {
      worker.shutdown();
      await run;
      await connection.close();
      await broker.close();
      await orders.end();
    },
  };
});
