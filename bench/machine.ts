import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { packageRoot } from '../runtime/package-root';
import { readManagement } from './management';
import { query } from '../stack/servers/query';
import { openConnection } from '../temporal/connection';
import type { Servers } from './servers';

/** What the numbers were measured on, and with. */
export type Machine = Record<
  'commit' | 'cpu' | 'memory' | 'load' | 'node' | 'temporal' | 'postgresql' | 'rabbitmq',
  string
>;

/** Describes this machine and the servers. */
export async function describeMachine(servers: Servers): Promise<Machine> {
  const connection = await openConnection({ address: servers.temporalAddress });
  const [{ serverVersion }, [postgres], broker] = await Promise.all([
    connection.workflowService.getSystemInfo({}),
    query<{ server_version: string }>(servers.postgresUrl, 'SHOW server_version'),
    readManagement<{ rabbitmq_version: string }>(servers.managementUrl, 'overview'),
  ]);
  await connection.close();
  return {
    commit: commitOf(packageRoot()),
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    load: loadavg()
      .map((load) => load.toFixed(1))
      .join(' '),
    node: process.version,
    temporal: serverVersion,
    postgresql: postgres?.server_version ?? '',
    rabbitmq: broker.rabbitmq_version,
  };
}

function commitOf(folder: string): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
