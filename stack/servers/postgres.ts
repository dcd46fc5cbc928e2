import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder } from './cache-folder';
import { acceptsConnections, createDatabase, databaseUrl } from './databases';
import { freePort } from './ports';
import { type PostgresBinaries, postgresUser } from './postgres-binaries';
import type { Scope } from '../supervision/scope';
import { StackError } from '../stack-error';
import { startServerProcess, type ServerProcess } from '../supervision/server-process';

/** A private PostgreSQL server. */
export interface Postgres {
  /** The URL of a database; of the server's own `postgres` database without a name. */
  url(database?: string): string;
  /** Creates a database, as a copy of `template` if one is given. @returns its URL. */
  createDatabase(name: string, options?: { template?: string }): Promise<string>;
  /** Of the postmaster; the other processes are its children. */
  readonly pid: number;
  /** Shuts down and closes all connections; the data stays. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again with the same data on the same port. */
  start(): Promise<void>;
}

/**
 * Where PostgreSQL may lose data with the machine: fine for tests, and faster. A commit is still written
 * before it is told of, so that the end of the server's process loses none.
 */
const THROW_AWAY = { fsync: 'off', full_page_writes: 'off' };

/** Initialises a private PostgreSQL server and starts it, on 127.0.0.1 and a free port. */
export async function startPostgres(options: {
  scope: Scope;
  binaries: PostgresBinaries;
  /** Whether a crash of the machine may lose data. */
  throwAway: boolean;
}): Promise<Postgres> {
  const { scope, binaries } = options;
  const user = await postgresUser();
  const password = randomBytes(18).toString('base64url');
  const folder = await makePrivateFolder(scope, user);
  const data = join(folder, 'data');
  await initialise({ scope, folder, data, binaries, password, user });
  const port = await freePort();
  const serverUrl = `postgresql://${ROLE}:${password}@127.0.0.1:${port}/postgres`;

  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '400',
    ...(options.throwAway ? THROW_AWAY : {}),
  };
  let server: ServerProcess;
  const start = async () => {
    server = await startServerProcess(scope, {
      name: 'postgres',
      command: binaries.postgres,
      args: [
        '-D',
        data,
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      cwd: '/',
      ...(user && { user }),
      // An immediate shutdown: its children and its shared memory go with it, unlike with SIGKILL.
      signal: 'SIGQUIT',
      graceMs: 10_000,
    });
    await server.untilReady(() => acceptsConnections(serverUrl));
  };
  await start();

  return {
    url: (database = 'postgres') => databaseUrl(serverUrl, database),
    createDatabase: (name, template) => createDatabase(serverUrl, name, template),
    get pid() {
      return server.pid;
    },
    // The "fast" shutdown: open connections are closed.
    stop: () => server.stop('SIGINT'),
    kill: () => server.stop('SIGQUIT'),
    start,
  };
}

const ROLE = 'order_dispatch';

/** In the scope's folder or, as root, where PostgreSQL's user can reach it. */
async function makePrivateFolder(
  scope: Scope,
  user?: { uid: number; gid: number },
): Promise<string> {
  if (!user) {
    const folder = join(scope.directory, 'postgres');
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }
  const parent = join(cacheFolder(), 'data');
  await mkdir(parent, { recursive: true });
  await chmod(parent, 0o711);
  const folder = join(parent, basename(scope.directory));
  scope.ownPath(folder);
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, user.uid, user.gid);
  return folder;
}

async function initialise(options: {
  scope: Scope;
  folder: string;
  data: string;
  binaries: PostgresBinaries;
  password: string;
  user: { uid: number; gid: number } | undefined;
}): Promise<void> {
  const { scope, folder, data, binaries, password, user } = options;
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  try {
    if (user) await chown(passwordFile, user.uid, user.gid);
    // Its end is waited for: without its files it would leave shared memory behind.
    const initdb = await startServerProcess(scope, {
      name: 'initdb',
      command: binaries.initdb,
      args: [
        `--pgdata=${data}`,
        `--username=${ROLE}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The same on every platform, whatever locales it has.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
        '--no-sync',
      ],
      cwd: '/',
      ...(user && { user }),
      signal: 'SIGTERM',
      graceMs: 10_000,
    });
    const how = await initdb.exited;
    if (how !== 'exit code 0') throw new StackError(`initdb: ${how}\n${initdb.logTail()}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
}
