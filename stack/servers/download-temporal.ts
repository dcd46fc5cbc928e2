/**
 * `node download-temporal.js <folder>`: has the Temporal SDK download the Temporal CLI. A process
 * of its own, since the SDK's download cannot be cancelled.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const downloadDir = process.argv[2];
if (downloadDir === undefined) throw new Error('usage: download-temporal <folder>');

void (async () => {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'cached-download', downloadDir },
      // The SDK cannot download without starting; asked for help, the server ends at once.
      extraArgs: ['--help'],
    },
  });
  await environment.teardown();
})();
