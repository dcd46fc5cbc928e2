/** `npm run test:stack`: keeps a test stack running until Ctrl-C, so that `npm test` starts at once. */
import { StackError } from './stack-error';
import { onStopSignal } from './stop-signals';
import { startTestStack } from './test-stack';
import { TEST_STACK_FILE } from './test-stack-file';

const say = (line: string) => console.error(`test stack: ${line}`);

async function main(): Promise<void> {
  const stopped = new AbortController();
  const asked = new Promise<void>((resolve) => {
    onStopSignal(() => {
      stopped.abort();
      resolve();
    });
  });
  const services = await startTestStack({ progress: say, signal: stopped.signal });
  say(`up: connection details are in ${TEST_STACK_FILE}, the Web UI at ${services.temporal.webUi}`);
  say('Ctrl-C stops it');
  // A promise alone does not keep a process alive.
  const alive = setInterval(() => undefined, 60_000);
  await asked;
  clearInterval(alive);
  say('stopping ...');
  await services.stop();
}

void main()
  .then(() => 0)
  .catch((error: unknown) => {
    console.error(error instanceof StackError ? `test stack: ${error.message}` : error);
    return 1;
  })
  // At once: a start that was given up may have left a connection that is still waiting.
  .then((code) => process.exit(code));
