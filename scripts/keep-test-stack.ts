/** `npm run test:stack`: keeps a test stack running until Ctrl-C, so that `npm test` starts at once. */
import { runCommand, untilStopped } from '../stack/supervision/run-command';
import { startTestStack } from '../stack/test-stack';
import { TEST_STACK_FILE } from '../stack/test-stack-file';

const say = (line: string) => console.error(`test stack: ${line}`);

runCommand('test stack', async (stop) => {
  const services = await startTestStack({ progress: say, signal: stop });
  try {
    const { webUi } = services.temporal;
    say(`up: connection details are in ${TEST_STACK_FILE}, the Web UI at ${webUi}`);
    say('Ctrl-C stops it');
    await untilStopped(stop);
    say('stopping ...');
  } finally {
    await services.stop();
  }
  return 0;
});
