#!/usr/bin/env node
import { CommanderError } from 'commander';
import { OrderDispatchError, UsageError } from '../domain/errors';
import { Told, toExit } from './exit';
import { print, say } from './output';
import { createProgram } from './program';
import { asTyped } from './typed-command';

// `order-dispatch ... | head` closes the pipe before all is printed: no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

void createProgram()
  .parseAsync()
  .catch(async (thrown: unknown) => {
    // Of help, which ends the program too.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
    const error = await toOurs(thrown instanceof Told ? thrown.cause : thrown);
    const { exitCode, line } = toExit(error);
    process.exitCode = exitCode;
    if (thrown instanceof Told) return;
    // Commander has written its message.
    if (!(thrown instanceof CommanderError)) say(`error: ${asTyped(line)}`);
    if (process.argv.includes('--json')) {
      print({ json: true }, { error: { code: error.code, message: line } }, '');
    }
  })
  // Not by itself: a call that was called off may be tried again by its client, on the closed connection.
  .finally(() => process.stdout.write('', () => process.exit()));

/** Whatever was thrown, as an error with a code. */
async function toOurs(thrown: unknown): Promise<OrderDispatchError> {
  if (thrown instanceof OrderDispatchError) return thrown;
  if (thrown instanceof CommanderError) return new UsageError(thrown.message);
  const { translateError } = await import('../client/translate-error.js');
  return translateError(thrown);
}
