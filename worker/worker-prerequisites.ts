import type { NativeConnection } from '@temporalio/worker';
import { pendingMigrations } from '../database/migrate';
import { InvalidConfiguration } from '../domain/errors';
import { missingSearchAttributes } from '../temporal/search-attributes';

/**
 * Checks what a worker stands on, before it takes an order.
 *
 * @throws {@link InvalidConfiguration} that names what is missing and the command that mends it.
 */
export async function checkWorkerPrerequisites(options: {
  connection: NativeConnection;
  namespace: string;
  ordersDatabaseUrl: string;
}): Promise<void> {
  const { connection, namespace, ordersDatabaseUrl } = options;
  const [attributes, migrations] = await Promise.all([
    missingSearchAttributes({ connection, namespace }),
    pendingMigrations({ url: ordersDatabaseUrl, schema: 'orders' }),
  ]);
  const missing: string[] = [];
  if (attributes.length > 0) {
    missing.push(
      `namespace ${namespace} lacks the search attributes ${attributes.join(', ')}: run \`order-dispatch setup search-attributes\``,
    );
  }
  if (migrations.length > 0) {
    missing.push(
      `the order database lacks the migrations ${migrations.join(', ')}: run \`order-dispatch setup migrate\``,
    );
  }
  if (missing.length > 0) throw new InvalidConfiguration(missing.join('; '));
}
