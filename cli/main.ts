#!/usr/bin/env node
import { oneLine, toExit } from './exit';
import { say } from './output';
import { createProgram } from './program';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

void createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    const { exitCode, line } = toExit(error);
    if (line !== undefined) say(`error: ${oneLine(line)}`);
    process.exitCode = exitCode;
  });
