import { writeFileSync } from 'node:fs';
import { bundleWorkflowCode } from '@temporalio/worker';
import { bundleOptions, workflowBundlePath } from './workflow-bundle';

/** A step of the build: bundles the compiled workflows. */
async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    ...bundleOptions(require.resolve('../workflows')),
    logger: { ...console, log: () => {}, trace: () => {}, debug: () => {}, info: () => {} },
  });
  writeFileSync(workflowBundlePath(), code);
}

void main();
