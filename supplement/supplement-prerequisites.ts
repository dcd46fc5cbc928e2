import type { NativeConnection } from '@temporalio/worker';
import { findDispatchRows, type DispatchView } from '../database/dispatch/dispatch-view';
import { pendingMigrations } from '../database/migrate';
import { isDatabaseUnavailable } from '../database/fault';
import { InvalidConfiguration } from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';

/**
 * Checks what the supplement system stands on, before it takes a message.
 *
 * @throws {@link InvalidConfiguration} that names what is missing and what mends it;
 * DatabaseUnavailable where the order database cannot be reached.
 */
export async function checkSupplementPrerequisites(options: {
  connection: NativeConnection;
  namespace: string;
  ordersDatabaseUrl: string;
  dispatchDatabaseUrl: string;
  dispatchView: DispatchView;
}): Promise<void> {
  const { connection, namespace, ordersDatabaseUrl, dispatchDatabaseUrl, dispatchView } = options;
  await checkNamespace(connection, namespace);
  const migrations = await pendingMigrations({ url: ordersDatabaseUrl, schema: 'orders' });
  if (migrations.length > 0) {
    throw new InvalidConfiguration(
      `the order database lacks the migrations ${migrations.join(', ')}: run \`order-dispatch setup migrate\``,
    );
  }
  await checkDispatchView(dispatchView, dispatchDatabaseUrl);
}

async function checkNamespace(connection: NativeConnection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (cause) {
    throw new InvalidConfiguration(
      `Temporal's namespace ${namespace} cannot be used: ${lastLine(cause)}`,
      { cause },
    );
  }
}

/** Asks the view about no order: the database resolves its name, its columns and their types all the same. */
async function checkDispatchView(view: DispatchView, url: string): Promise<void> {
  try {
    await findDispatchRows(view, []);
  } catch (cause) {
    if (cause instanceof InvalidConfiguration) throw cause;
    const what = isDatabaseUnavailable(cause) ? 'cannot be reached' : 'cannot be read';
    throw new InvalidConfiguration(
      `the dispatch database at ${hostAndName(url)} ${what}: ${lastLine(cause)}`,
      { cause },
    );
  }
}

/** Prisma says what it was doing first, and what went wrong last. */
function lastLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split('\n').at(-1) ?? message;
}
