import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';

/** Where the build leaves the workflows, bundled: so a worker starts at once, and a bad import fails the build. */
export function workflowBundlePath(): string {
  return join(packageRoot(), 'dist', 'workflows.bundle.js');
}
