import type { PoolConfig } from 'pg';
import { databaseUrlProblem } from '../domain/database-url';
import { InvalidConfiguration } from '../domain/errors';

/** How connections to a database are opened, whoever opens them. */
interface ConnectionConfig {
  /** For pg. */
  config: PoolConfig;
  /** Whether a PgBouncer in transaction mode is in between: it refuses settings, and loses prepared statements. */
  isPooled: boolean;
}

/**
 * After how long a server notices that our host has vanished, and gives its locks back: about a minute. By
 * themselves PostgreSQL and Linux take two hours.
 */
const KEEPALIVES =
  '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3';

/**
 * Reads a database's URL. `sslmode` means what it means to libpq: `require` encrypts and trusts any certificate,
 * or only those of `sslrootcert`; `verify-full` checks the host's name, too.
 *
 * @param url with `pgbouncer=true`, as Prisma has it, where a PgBouncer in transaction mode is in between.
 * @throws {@link InvalidConfiguration} where it has a parameter that would be ignored.
 */
export function connectionConfig(url: string): ConnectionConfig {
  const problem = databaseUrlProblem(url);
  if (problem) throw new InvalidConfiguration(`the URL of a database ${problem}`);
  const parsed = new URL(url);
  const { searchParams } = parsed;
  const isPooled = searchParams.get('pgbouncer') === 'true';
  const given = searchParams.get('options');
  if (!isPooled) searchParams.set('options', given ? `${KEEPALIVES} ${given}` : KEEPALIVES);
  if (searchParams.has('sslmode')) searchParams.set('uselibpqcompat', 'true');
  return { config: { connectionString: parsed.href }, isPooled };
}
