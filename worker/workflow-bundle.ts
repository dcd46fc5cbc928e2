import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';

/** Where the build leaves the workflows, bundled: so a worker starts at once, and a bad import fails the build. */
export function workflowBundlePath(): string {
  return join(packageRoot(), 'dist', 'workflows.bundle.js');
}

/**
 * What the bundle is made from. Left to itself the SDK evaluates every module anew for each workflow,
 * zod's among them, which costs more than all else that an order does in its workflow. What is preloaded
 * is evaluated once for a worker, frozen, and shared by all workflows: here all of `workflows/`, with what
 * it imports of `domain/`. So **no module there may keep anything of a workflow**: what changes lives in
 * objects that the workflow function makes. (The linter refuses the obvious ways to break this.)
 *
 * @param workflows path of the module that exports the workflows
 */
export function bundleOptions(workflows: string): {
  workflowsPath: string;
  preloadModules: string[];
} {
  return { workflowsPath: workflows, preloadModules: [workflows] };
}
