import { readFileSync } from 'node:fs';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { bundleOptions, workflowBundlePath } from '../../worker/workflow-bundle';
import { createSurroundings, quietRuntime, type Surroundings } from '../setup';

const QUIET = { ...console, log: () => {}, trace: () => {}, debug: () => {}, info: () => {} };

describe('the bundle of the workflows', () => {
  let surroundings: Surroundings;
  let connection: NativeConnection;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    quietRuntime();
    connection = await NativeConnection.connect({ address: surroundings.stack.temporalAddress });
  });
  afterAll(async () => {
    await connection.close();
    await surroundings.remove();
  });

  test('what workflows share is frozen, and parses all the same, valid and invalid', async () => {
    const { namespace } = surroundings;
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: 'preloaded',
      workflowBundle: await bundleWorkflowCode({
        ...bundleOptions(require.resolve('../preloaded-workflow.ts')),
        logger: QUIET,
      }),
    });
    const { workflow } = new Client({ connection, namespace });
    const run = () =>
      workflow.execute('preloadedWorkflow', {
        taskQueue: 'preloaded',
        workflowId: `w-${Math.random()}`,
      });
    const [first, second] = await worker.runUntil(async () => [await run(), await run()]);
    expect(first).toEqual({
      changePolicy: expect.stringMatching(/^TypeError: Cannot assign to read only property/),
      addRule: expect.stringMatching(/^TypeError: Cannot add property/),
      changeFunction: expect.stringMatching(/^TypeError: Cannot add property/),
      validPolicy: '{"maximumAttempts":3}',
      invalidPolicy: expect.stringMatching(/^InvalidPolicy: .*policy\.maximumAttempts.*patience/),
      validResolution: '{"decision":"retry","actor":"mia","note":"again"}',
      invalidResolution: expect.stringMatching(/^ResolutionRefused: resolution\.note: /),
      policyAfterwards: '5',
    });
    expect(second).toEqual(first);
  });

  test('the bundle that is shipped shares the workflows', () => {
    expect(readFileSync(workflowBundlePath(), 'utf8')).toMatch(
      /preloadModules\(\) \{\s*__webpack_require__\([^)]*workflows\/index\.js/,
    );
  });
});
