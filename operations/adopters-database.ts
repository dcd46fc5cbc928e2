import { openDispatchDatabase, type DispatchDatabase } from '../database/dispatch/connection';
import { isAdoptersDatabase } from '../database/dispatch/owner';
import { InvalidConfiguration } from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';
import { naming } from './open-databases';

/** What helps where a command can do without that database. */
const LEAVE_IT_OUT =
  "unset DISPATCH_DATABASE_URL for this command, which then does the order database's part";

/**
 * Refuses to write to the dispatch database of a dispatch system that is not ours: we read its view, and
 * nothing else there is our business.
 *
 * @throws {@link InvalidConfiguration} that says what to do.
 */
export async function refuseAdoptersDatabase(
  database: DispatchDatabase,
  whatHelps = LEAVE_IT_OUT,
): Promise<void> {
  if (!(await isAdoptersDatabase(database))) return;
  throw new InvalidConfiguration(
    `the dispatch database belongs to a dispatch system of your own (it has the view order_dispatch_dispatches_v1, but not our migrations), and nothing is written to it: ${whatHelps}`,
  );
}

/**
 * The same for a database that is not open yet.
 *
 * @throws {@link InvalidConfiguration}; DatabaseUnavailable.
 */
export async function refuseAdoptersUrl(url: string, whatHelps?: string): Promise<void> {
  const database = openDispatchDatabase({ url, maximumConnections: 1 });
  try {
    await naming(`the dispatch database at ${hostAndName(url)}`, () =>
      refuseAdoptersDatabase(database, whatHelps),
    );
  } finally {
    await database.close();
  }
}
