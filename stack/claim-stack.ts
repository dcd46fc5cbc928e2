import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from './process-identity';
import { StackError } from './stack-error';

/**
 * Makes this process the only one that runs a local stack for `folder`, until it ends. Before the
 * stack's details are there to be seen, since it takes seconds until they are.
 *
 * @returns the path of the claim's file, which this process removes when it exits.
 * @throws {StackError} that names the process which runs one already.
 */
export function claimStack(folder: string): string {
  const file = join(folder, '.local', 'stack-owner.json');
  mkdirSync(join(folder, '.local'), { recursive: true });
  // Linked into place when complete, so that nobody finds a claim without its owner.
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    while (!tryLink(mine, file)) {
      const owner = readOwner(file);
      if (owner && isAlive(owner)) {
        throw new StackError(
          `a local stack runs already, as process ${owner.pid}: use that one, or stop it first (Ctrl-C in its terminal, or kill ${owner.pid})`,
        );
      }
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(mine);
  }
  process.once('exit', () => rmSync(file, { force: true }));
  return file;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
