import { CommanderError } from 'commander';
import { OrderDispatchError, UsageError } from '../domain/errors';
import { Told, toExit } from './exit';
import { print, say } from './output';
import { createProgram } from './program';
import { asTyped } from './typed-command';

/**
 * Runs the command line, and leaves its exit code in `process.exitCode`.
 *
 * @param args what was typed after the program's name.
 */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (thrown) {
    // Of help, which ends the program too.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
    const error = await toOurs(thrown instanceof Told ? thrown.cause : thrown);
    const { exitCode, line } = toExit(error);
    process.exitCode = exitCode;
    if (thrown instanceof Told) return;
    // Commander has written its message.
    if (!(thrown instanceof CommanderError)) say(`error: ${asTyped(line)}`);
    if (args.includes('--json')) {
      print({ json: true }, { error: { code: error.code, message: line } }, '');
    }
  }
}

/** Whatever was thrown, as an error with a code. */
async function toOurs(thrown: unknown): Promise<OrderDispatchError> {
  if (thrown instanceof OrderDispatchError) return thrown;
  if (thrown instanceof CommanderError) return new UsageError(thrown.message);
  const { translateError } = await import('../client/translate-error.js');
  return translateError(thrown);
}
