import type { NativeConnection } from '@temporalio/worker';
import { pendingMigrations } from '../database/migrate';
import { InvalidConfiguration } from '../domain/errors';
import { SEARCH_ATTRIBUTES } from '../domain/temporal-names';
import type { Logger } from '../runtime/logger';
import { isListRefused, missingSearchAttributes } from '../temporal/search-attributes';

/**
 * Checks what a worker stands on, before it takes an order. Where the server refuses to list the search attributes,
 * that they are there is taken on trust.
 *
 * @throws {@link InvalidConfiguration} that names what is missing and the command that mends it.
 */
export async function checkWorkerPrerequisites(options: {
  connection: Pick<NativeConnection, 'operatorService'>;
  namespace: string;
  ordersDatabaseUrl: string;
  log: Logger;
}): Promise<void> {
  const { connection, namespace, ordersDatabaseUrl, log } = options;
  const [attributes, migrations] = await Promise.all([
    missingSearchAttributes({ connection, namespace }).catch((error: unknown) => {
      if (!isListRefused(error)) throw error;
      const names = Object.keys(SEARCH_ATTRIBUTES);
      log.warn(
        { err: error, namespace, names },
        'cannot tell whether the search attributes are there',
      );
      return [];
    }),
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
