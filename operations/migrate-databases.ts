import { refuseAdoptersUrl } from './adopters-database';
import { applyMigrations, type DatabaseSchema } from '../database/migrate';

/** A database that was brought up to date. */
export interface MigratedDatabase {
  schema: DatabaseSchema;
  /** The migrations that it lacked, oldest first; empty where there was nothing to do. */
  applied: string[];
}

/**
 * Brings the given databases up to date, one after the other. Safe to repeat.
 *
 * @throws InvalidConfiguration where the dispatch database is an adopter's own: then nothing is done.
 * DatabaseUnavailable, MigrationFailed; what was applied until then stays.
 */
export async function migrateDatabases(
  urls: Readonly<Partial<Record<DatabaseSchema, string>>>,
): Promise<MigratedDatabase[]> {
  // Before anything is done to the other one.
  if (urls.dispatch !== undefined) await refuseAdoptersUrl(urls.dispatch);
  const migrated: MigratedDatabase[] = [];
  for (const schema of ['orders', 'dispatch'] as const) {
    const url = urls[schema];
    if (url !== undefined)
      migrated.push({ schema, applied: await applyMigrations({ url, schema }) });
  }
  return migrated;
}
