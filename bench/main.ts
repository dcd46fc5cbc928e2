/** `npm run bench`: see its `--help`. */
import { resolve } from 'node:path';
import { runCommand, unlessStopped } from '../stack/supervision/run-command';
import { compare } from './comparison';
import { CONTESTANT_NAMES } from './contestants';
import { describeMachine } from './machine';
import { parseOptions, type BenchOptions, type ScenarioName } from './options';
import { reportText, type Report } from './report';
import { measureBacklog } from './scenarios/backlog';
import { measureCopies } from './scenarios/copies';
import { measureKill } from './scenarios/kill';
import { measureMemory } from './scenarios/memory';
import { measureMillion } from './scenarios/million';
import { startServers, type Servers } from './servers';

const progress = (line: string) => console.error(`bench: ${line}`);

runCommand('bench', async (stop) => {
  const { json, temporalAddress, cpuProf, ...options } = parseOptions();
  const servers = await startServers({
    progress,
    signal: stop,
    ...(temporalAddress !== undefined && { temporalAddress }),
    ...(cpuProf !== undefined && { profileFolder: resolve(cpuProf) }),
  });
  try {
    const report = await unlessStopped(stop, () => measure(servers, options));
    console.log(json ? JSON.stringify(report, null, 2) : reportText(report));
    return 0;
  } finally {
    await servers.stop();
  }
});

async function measure(servers: Servers, options: BenchOptions): Promise<Report> {
  const { only, orders, rounds } = options;
  const contestants = CONTESTANT_NAMES.filter((name) => only.includes(name));
  const report: Report = {
    machine: await describeMachine(servers),
    rounds,
    orders,
    contestants: await compare(servers, { ...options, contestants }, progress),
  };
  const isWanted = (name: ScenarioName) => only.includes(name);
  if (isWanted('memory')) report.memory = await measureMemory(servers, options, progress);
  if (isWanted('kill')) {
    const { killInFlight } = options;
    report.kill = await measureKill(servers, { inFlight: killInFlight, rounds }, progress);
  }
  if (isWanted('million')) {
    const { oldOrders } = options;
    const busy = { oldOrders, orders, rounds, inFlight: 64 };
    report.million = await measureMillion(servers, busy, progress);
  }
  if (isWanted('copies')) report.copies = await measureCopies(servers, options, progress);
  if (isWanted('backlog')) report.backlog = await measureBacklog(servers, options, progress);
  return report;
}
