import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The one folder outside the clone that the stack writes to: what is slow to get (a built Temporal
 * CLI) and, as root, what PostgreSQL's own user must be able to reach.
 */
export function cacheFolder(): string {
  const base = isRoot() ? '/var/cache' : process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(base, 'order-dispatch');
  mkdirSync(folder, { recursive: true });
  // Whatever the umask, PostgreSQL's user must be able to pass.
  if (isRoot()) chmodSync(folder, 0o755);
  return folder;
}

/** Whether we run as root, as in most containers. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
