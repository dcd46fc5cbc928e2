import { relative, resolve } from 'node:path';
import { packageRoot } from '../runtime/package-root';

/**
 * The folder that the local stack belongs to: all that it writes is in the `.local` in there. The
 * clone, unless `ORDER_DISPATCH_STACK_DIRECTORY` names another folder, so that a second stack can run
 * beside the clone's own; the command line finds that one when it is called from there.
 */
export function stackFolder(): string {
  return resolve(process.env['ORDER_DISPATCH_STACK_DIRECTORY'] || packageRoot());
}

/** A path as one types it: relative where it is below the working directory. */
export function shownPath(path: string): string {
  const short = relative('', path);
  return short.startsWith('..') ? path : short;
}
