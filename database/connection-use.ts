/** How many connections a database's clients have, of those that it takes. */
export interface ConnectionUse {
  used: number;
  maximum: number;
}

/**
 * Asks a PostgreSQL database for its {@link ConnectionUse}: the server's, or its own where that has a
 * limit which is nearer. Everybody may ask.
 */
export const CONNECTION_USE = `
  SELECT used, maximum FROM (
    SELECT count(*)::int AS used, current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int AS maximum
    FROM pg_stat_activity WHERE datname IS NOT NULL
    UNION ALL
    SELECT (SELECT count(*)::int FROM pg_stat_activity WHERE datname = d.datname), datconnlimit
    FROM pg_database d WHERE datname = current_database() AND datconnlimit > 0
  ) AS limits
  ORDER BY used::float8 / maximum DESC LIMIT 1`;
