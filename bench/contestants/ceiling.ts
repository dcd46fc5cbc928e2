import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { serveContestant } from '../contestant';

const TASK_QUEUE = 'ceiling';

/**
 * (c) A workflow that does nothing, started eagerly: what the engine alone costs, and so the most
 * that any service on it can do.
 */
serveContestant(async ({ temporalAddress, namespace }) => {
  const connection = await NativeConnection.connect({ address: temporalAddress });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: TASK_QUEUE,
    workflowsPath: require.resolve('./ceiling-workflow'),
    // More than there will be in flight: nothing but the engine itself is in its way.
    maxConcurrentWorkflowTaskExecutions: 400,
  });
  const run = worker.run();
  const client = new Client({ connection, namespace });
  return {
    dispatch: ({ orderId }) =>
      client.workflow.execute('doNothing', {
        workflowId: orderId,
        taskQueue: TASK_QUEUE,
        requestEagerStart: true,
      }),
    close: async () => {
      worker.shutdown();
      await run;
      await connection.close();
    },
  };
});
