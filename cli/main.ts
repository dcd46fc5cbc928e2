#!/usr/bin/env node
import { EXIT, Told, codeOf, messageOf, oneLine, toExit } from './exit';
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
  .catch((error: unknown) => {
    const { exitCode, line } = toExit(error);
    if (line !== undefined) say(`error: ${asTyped(oneLine(line))}`);
    process.exitCode = exitCode;
    if (process.argv.includes('--json') && exitCode !== EXIT.done && !(error instanceof Told)) {
      print({ json: true }, { error: { ...codeOf(error), message: line ?? messageOf(error) } }, '');
    }
  })
  // Not by itself: a call that was called off may be tried again by its client, on the closed connection.
  .finally(() => process.stdout.write('', () => process.exit()));
