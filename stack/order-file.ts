import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order } from '../domain/order';
import type { LocalStack } from './local-stack';
import { shownPath } from './stack-folder';

/**
 * Writes an order for a person to place, which goes with the stack.
 *
 * @returns the file's path, as one types it.
 */
export function writeOrderFile(
  { folder, scope }: Pick<LocalStack, 'folder' | 'scope'>,
  name: string,
  order: Order,
): string {
  const file = join(folder, name);
  scope.ownPath(file);
  writeFileSync(file, `${JSON.stringify(order, undefined, 2)}\n`);
  return shownPath(file);
}
