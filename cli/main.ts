#!/usr/bin/env node
import { runCommandLine } from './run';

// `order-dispatch ... | head` closes the pipe before all is printed: no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

void runCommandLine(process.argv.slice(2))
  // Not by itself: libraries take a moment to close their sockets, and the person would wait for it.
  .finally(() => process.stdout.write('', () => process.exit()));
