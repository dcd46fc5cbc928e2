import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { InvalidConfiguration } from '../domain/errors';
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

/** Whether a server refuses to say which search attributes there are, as Temporal Cloud does. */
export function isListRefused(error: unknown): error is Error & { details: string } {
  return isGrpcServiceError(error) && LIST_REFUSED.has(error.code);
}

/** gRPC codes: permission denied, unimplemented. */
const LIST_REFUSED: ReadonlySet<number> = new Set([7, 12]);

/** gRPC codes: invalid argument, already exists. */
const ADD_REFUSED: ReadonlySet<number> = new Set([3, 6]);

/**
 * Registers the search attributes that a namespace lacks: all of them, or none. Safe to repeat.
 *
 * @returns the names that were registered.
 * @throws {@link InvalidConfiguration} where the namespace cannot have one, such as for want of room: it names
 * them, with what the server says.
 */
export async function registerSearchAttributes(options: NamespaceOptions): Promise<string[]> {
  const { connection, namespace } = options;
  const missing = await missingSearchAttributes(options).catch((error: unknown) => {
    if (!isListRefused(error)) throw error;
    throw new InvalidConfiguration(
      `the server of namespace ${namespace} does not list search attributes (${error.details}): register ${describe(Object.keys(SEARCH_ATTRIBUTES))} by its own means`,
      { cause: error },
    );
  });
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(
    typesOf(missing).map(([name, type]) => [name, TYPE_NUMBERS[type]]),
  );
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (!isGrpcServiceError(error) || !ADD_REFUSED.has(error.code)) throw error;
    throw new InvalidConfiguration(
      `namespace ${namespace} cannot have the search attributes ${describe(missing)}: ${error.details}; none of them was registered`,
      { cause: error },
    );
  }
  return missing;
}

function typesOf(names: readonly string[]) {
  return Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => names.includes(name));
}

/** Names the search attributes with their types. */
function describe(names: readonly string[]): string {
  return typesOf(names)
    .map(([name, type]) => `${name} (${type})`)
    .join(', ');
}
