import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../domain/temporal-names';

/** A namespace, by a connection that may administer it. */
export interface NamespaceOptions {
  connection: Pick<Connection, 'operatorService'>;
  namespace: string;
}

/** Temporal's numbers for the types of search attributes (`temporal.api.enums.v1.IndexedValueType`). */
const TYPE_NUMBERS = { KEYWORD: 2, DATETIME: 6 } as const;

/**
 * The search attributes that a namespace lacks or has with another type. Looked at when a worker
 * starts: a workflow that sets an unregistered one fails its task for ever.
 */
export async function missingSearchAttributes(options: NamespaceOptions): Promise<string[]> {
  const { connection, namespace } = options;
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.entries(SEARCH_ATTRIBUTES)
    .filter(([name, type]) => Number(customAttributes[name]) !== TYPE_NUMBERS[type])
    .map(([name]) => name);
}

/**
 * Registers the search attributes that a namespace lacks. Safe to repeat.
 *
 * @returns the names that were registered.
 */
export async function registerSearchAttributes(options: NamespaceOptions): Promise<string[]> {
  const { connection, namespace } = options;
  const missing = await missingSearchAttributes(options);
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES)
      .filter(([name]) => missing.includes(name))
      .map(([name, type]) => [name, TYPE_NUMBERS[type]]),
  );
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  return missing;
}
