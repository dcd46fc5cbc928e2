import { Client, escapeIdentifier } from 'pg';

/** The URL of another database of the same server. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * Creates a database.
 *
 * @param options.template a database to copy, which nobody may be connected to meanwhile
 * @returns its URL.
 */
export async function createDatabase(
  serverUrl: string,
  name: string,
  options: { template?: string } = {},
): Promise<string> {
  const template =
    options.template === undefined ? '' : ` TEMPLATE ${escapeIdentifier(options.template)}`;
  await query(serverUrl, `CREATE DATABASE ${escapeIdentifier(name)}${template}`);
  return databaseUrl(serverUrl, name);
}

/** Drops a database if it exists, and closes the connections that it still has. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await query(serverUrl, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
}

/** Whether the server answers. */
export async function acceptsConnections(serverUrl: string): Promise<boolean> {
  await query(serverUrl, 'SELECT 1');
  return true;
}

async function query(serverUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  // Where the connection breaks, the query fails; the event comes on top, and would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
