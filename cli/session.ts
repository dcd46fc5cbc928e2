import { loadDataConverter } from '../temporal/codec-module';
import { openOperatorSession, type OperatorSession } from '../operations/connect';
import { readClientConfig } from '../runtime/config';
import { packageRoot } from '../runtime/package-root';
import { STACK_FILE, readStackFile, type StackFile } from '../runtime/stack-file';
import { UsageError } from './exit';
import { say } from './output';
import { resolveTarget, type TargetOptions } from './target';

/** What a command works with. */
export interface CommandSession extends OperatorSession {
  /** The exact next command for a person to type, for the same target. */
  command: (words: string) => string;
}

/** Says where the command goes, connects, works, and closes the connection, whatever happens. */
export async function withSession<Result>(
  options: TargetOptions,
  work: (session: CommandSession) => Promise<Result>,
): Promise<Result> {
  const { access, codecModule, description, repeatedOptions } = resolveTarget({
    options,
    environment: readClientConfig(),
    stack: findLocalStack(),
  });
  say(`target: ${description}`);
  const session = await openOperatorSession({
    access,
    ...(codecModule !== undefined && { dataConverter: loadDataConverter(codecModule) }),
  });
  try {
    return await work({
      ...session,
      command: (words) => `order-dispatch ${words}${repeatedOptions}`,
    });
  } finally {
    await session.close();
  }
}

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
