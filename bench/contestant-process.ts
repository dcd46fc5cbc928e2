import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch, BatchTimes, Reply, Request } from './contestant';
import type { Servers, Surroundings } from './servers';

/** A contestant, open in a process of its own. */
export interface ContestantProcess {
  readonly pid: number;
  run(batch: Batch): Promise<BatchTimes>;
  close(): Promise<void>;
}

/**
 * Starts the process of a contestant: the file of its name in `contestants/`.
 *
 * @throws if it does not open, with what it says of that.
 */
export async function startContestantProcess(
  servers: Servers,
  name: string,
  surroundings: Surroundings,
): Promise<ContestantProcess> {
  const { scope } = servers;
  // Straight into a file: whoever read its output here would take CPU from the contestants.
  const log = openSync(join(scope.directory, `${surroundings.vhost}.log`), 'a', 0o600);
  const child = fork(join(__dirname, 'contestants', `${name}.js`), {
    execArgv: [...servers.nodeOptions],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw new Error(`the process of ${name} does not start`);
  scope.own({ pid, name, signal: 'SIGKILL', graceMs: 1_000, leadsGroup: false });
  void exited.then(() => scope.disown(pid));

  const ask = async (request: Request): Promise<BatchTimes | undefined> => {
    const replied = once(child, 'message') as Promise<[Reply]>;
    const ended = exited.then(([code, signal]): never => {
      throw new Error(`the process of ${name} ended: ${String(signal ?? code)}`);
    });
    child.send(request);
    const [reply] = await Promise.race([replied, ended]);
    if (reply.kind === 'failed') throw new Error(`${name}: ${reply.error}`);
    return reply.times;
  };
  await ask({ kind: 'open', surroundings });
  return {
    pid,
    run: async (batch) => (await ask({ kind: 'run', ...batch })) as BatchTimes,
    close: async () => {
      await ask({ kind: 'close' });
      child.disconnect();
      await exited;
    },
  };
}
