/** `npm run soak`: see its `--help`. */
import { runCommand, unlessStopped } from '../../stack/supervision/run-command';
import { startServers } from '../servers';
import { parseOptions } from './options';
import { isFlat, reportText } from './report';
import { soak } from './soak';

const progress = (line: string) => console.error(`soak: ${line}`);

runCommand('soak', async (stop) => {
  const { json, ...options } = parseOptions(process.argv.slice(2));
  const servers = await startServers({ progress, signal: stop });
  try {
    const report = await unlessStopped(stop, () => soak(servers, options, progress));
    console.log(json ? JSON.stringify(report, null, 2) : reportText(report));
    return isFlat(report) ? 0 : 1;
  } finally {
    await servers.stop();
  }
});
