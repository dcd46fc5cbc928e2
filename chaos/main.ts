/** `npm run chaos`: see its `--help`. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { runCommand } from '../stack/supervision/run-command';
import { parseOptions } from './options';
import { holds, reportText } from './report';
import { runChaos } from './run';

runCommand('chaos', async (signal) => {
  // Only histories are replayed in this process: what its SDK says of that helps nobody.
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const options = parseOptions(process.argv.slice(2));
  const progress = (line: string) => console.error(`chaos: ${line}`);
  progress(`seed ${options.seed}`);
  const report = await runChaos(options, { progress, signal });
  console.log(options.json ? JSON.stringify(report, undefined, 2) : reportText(report));
  return holds(report) ? 0 : 1;
});
