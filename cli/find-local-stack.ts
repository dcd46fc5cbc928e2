import { packageRoot } from '../runtime/package-root';
import { STACK_FILE, readStackFile, type StackFile } from '../runtime/stack-file';
import { UsageError } from '../domain/errors';

/**
 * The local stack that runs for the clone one is in, else for the clone that this program is part of.
 *
 * @throws {@link UsageError} where the file that the stack left cannot be read.
 */
export function findLocalStack(): StackFile | undefined {
  for (const directory of [process.cwd(), packageRoot()]) {
    try {
      const stack = readStackFile(directory);
      if (stack) return stack;
    } catch (cause) {
      throw new UsageError(
        `${directory}/${STACK_FILE} is not what this version writes: remove it, or start the local stack anew with \`npm run up\``,
        { cause },
      );
    }
  }
  return undefined;
}
