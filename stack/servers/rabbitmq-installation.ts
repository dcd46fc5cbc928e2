import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRoot } from './cache-folder';
import { StackError } from '../stack-error';
import { isExecutable, pathFolders } from './executables';

const run = promisify(execFile);

/** Where RabbitMQ comes from. */
export type RabbitmqInstallation =
  | { kind: 'installed'; server: string; rabbitmqctl: string; epmd: string; label: string }
  | { kind: 'docker'; image: string; label: string };

/**
 * Debian's own folder comes first: what it puts on the PATH is a wrapper that refuses ordinary
 * users. The others are Homebrew's and those of a build by hand.
 */
const FOLDERS = [
  '/usr/lib/rabbitmq/bin',
  '/opt/homebrew/sbin',
  '/usr/local/sbin',
  '/opt/rabbitmq/sbin',
];
const IMAGE = 'rabbitmq:3-management';

/**
 * Finds a RabbitMQ: an installed one, else Docker's, else, as root on a Debian, the distribution's
 * package, which it installs without letting it start a service.
 *
 * @throws {StackError} that says what to install.
 */
export async function findRabbitmq(
  progress: (line: string) => void,
): Promise<RabbitmqInstallation> {
  const found = (await findInstalled()) ?? (await findDocker());
  if (found) return found;
  if (isRoot() && (await onPath('apt-get'))) {
    progress('RabbitMQ: none found; installing the rabbitmq-server package with apt-get ...');
    await installDebianPackage();
    const installed = await findInstalled();
    if (installed) return installed;
  }
  throw new StackError(
    'no RabbitMQ found: install it (Debian, Ubuntu: apt-get install rabbitmq-server; ' +
      'macOS: brew install rabbitmq), or start Docker, or set AMQP_URL to a broker of your own',
  );
}

async function findInstalled(): Promise<RabbitmqInstallation | undefined> {
  for (const folder of [...FOLDERS, ...pathFolders()]) {
    const server = join(folder, 'rabbitmq-server');
    if (!(await isExecutable(server))) continue;
    const epmd = await findEpmd();
    if (epmd === undefined) continue;
    return {
      kind: 'installed',
      server,
      rabbitmqctl: join(folder, 'rabbitmqctl'),
      epmd,
      label: `installed${await versionNear(folder)} at ${folder}`,
    };
  }
  return undefined;
}

/** Releases live in a folder `rabbitmq_server-<version>`: asking the program itself takes a second. */
async function versionNear(folder: string): Promise<string> {
  const names = await readdir(join(dirname(folder), 'lib')).catch(() => []);
  const version = names.map((name) => /^rabbitmq_server-(.+)$/.exec(name)?.[1]).find(Boolean);
  return version === undefined ? '' : ` ${version}`;
}

async function findEpmd(): Promise<string | undefined> {
  const erlang = '/usr/lib/erlang';
  const releases = (await readdir(erlang).catch(() => [])).filter((name) =>
    name.startsWith('erts-'),
  );
  const folders = [
    ...pathFolders(),
    '/opt/homebrew/bin',
    '/usr/local/bin',
    ...releases.map((name) => join(erlang, name, 'bin')),
  ];
  for (const folder of folders) {
    const epmd = join(folder, 'epmd');
    if (await isExecutable(epmd)) return epmd;
  }
  return undefined;
}

/** A RabbitMQ in a container; `undefined` where no Docker daemon answers. */
export async function findDocker(): Promise<
  (RabbitmqInstallation & { kind: 'docker' }) | undefined
> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 5000 });
    return { kind: 'docker', image: IMAGE, label: `Docker, ${IMAGE}` };
  } catch {
    return undefined;
  }
}

/** What Debian asks whether a package may start its service; 101 says no. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

async function installDebianPackage(): Promise<void> {
  const foreign = await readFile(POLICY_FILE).catch(() => undefined);
  if (foreign === undefined) await writeFile(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update'], { env });
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'rabbitmq-server'], { env });
  } catch (cause) {
    throw new StackError(`apt-get install rabbitmq-server failed: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    if (foreign === undefined) await rm(POLICY_FILE, { force: true });
    // Nor at the next boot. Where there is no systemd, there is nothing to disable.
    await run('systemctl', ['disable', 'rabbitmq-server']).catch(() => undefined);
  }
}

async function onPath(program: string): Promise<boolean> {
  for (const folder of pathFolders()) if (await isExecutable(join(folder, program))) return true;
  return false;
}
