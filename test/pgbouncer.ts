import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acceptsConnections } from '../stack/servers/databases';
import { freePort } from '../stack/servers/ports';
import type { Scope } from '../stack/supervision/scope';
import { startServerProcess } from '../stack/supervision/server-process';

/** Where Debian installs it. */
const PGBOUNCER = '/usr/sbin/pgbouncer';

/** `describe` if there is a PgBouncer; else the tests are skipped, with a line. */
export const describeWithPgBouncer = existsSync(PGBOUNCER) ? describe : describe.skip;
if (!existsSync(PGBOUNCER)) {
  process.stderr.write(`Tests with a PgBouncer are skipped: there is no ${PGBOUNCER}.\n`);
}

/** How many connections to each database it shares among all that ask: few, so that all do share. */
const SERVER_CONNECTIONS = 3;

/**
 * Starts a PgBouncer in transaction mode before a PostgreSQL server.
 *
 * @returns the server's URL by way of it.
 */
export async function startPgBouncer(scope: Scope, postgresUrl: string): Promise<string> {
  const { hostname, port, username, password } = new URL(postgresUrl);
  const url = new URL(postgresUrl);
  url.port = String(await freePort());
  const file = join(scope.directory, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = ${url.hostname}
listen_port = ${url.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
max_client_conn = 500
`,
    { mode: 0o600 },
  );
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const server = await startServerProcess(scope, {
    name: 'pgbouncer',
    command: PGBOUNCER,
    args: [...user, file],
    signal: 'SIGTERM',
    graceMs: 5_000,
  });
  url.searchParams.set('pgbouncer', 'true');
  await server.untilReady(() => acceptsConnections(url.href));
  return url.href;
}
