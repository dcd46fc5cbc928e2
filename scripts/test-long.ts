/**
 * `npm run test:long`: what takes longer than anybody waits for. The tests with as many orders as an outage
 * leaves, the fault suite with all faults, and the soak; all of them, whatever fails.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { Command } from 'commander';
import { packageRoot } from '../runtime/package-root';
import { runCommand } from '../stack/supervision/run-command';

/** Tests that have more in the long run. */
const LONGER = '/(bulk|chaos|hold|last-release-beside|nothing-leaks|worker-versions)\\.test';

const HELP = `
Example:
  $ npm run test:long -- --minutes 60 --seed 7`;

runCommand('test:long', async (stop) => {
  const { minutes, seed } = new Command('npm run test:long --')
    .description('Runs the long tests, the fault suite and the soak.')
    .option('--minutes <minutes>', 'how long faults and soak last, each', '30')
    .option('--seed <number>', 'of the faults', String(Date.now() % 1_000_000))
    .addHelpText('after', HELP)
    .exitOverride()
    .parse()
    .opts<{ minutes: string; seed: string }>();
  const orders = String(Math.ceil(Number(minutes) * 120));
  const steps: Record<string, string[]> = {
    'the tests, with more orders': ['scripts/test', 'test:all', LONGER],
    faults: ['chaos/main', '--seed', seed, '--minutes', minutes, '--orders', orders],
    soak: ['bench/soak/main', '--minutes', minutes],
  };
  const failed: string[] = [];
  for (const [what, [program = '', ...args]] of Object.entries(steps)) {
    console.error(`\ntest:long: ${what}`);
    const { exitCode } = await execa(
      process.execPath,
      [join(packageRoot(), 'dist', `${program}.js`), ...args],
      {
        env: { ORDER_DISPATCH_LONG_TESTS: 'true' },
        stdio: 'inherit',
        reject: false,
        cancelSignal: stop,
      },
    );
    stop.throwIfAborted();
    if (exitCode !== 0) failed.push(what);
  }
  console.error(failed.length === 0 ? '\ntest:long: all passed' : `\nfailed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});
