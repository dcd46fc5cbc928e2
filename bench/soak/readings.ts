import { readdirSync } from 'node:fs';
import { query } from '../../stack/servers/query';
import { readMemoryMiB } from '../measure/cpu';
import type { Surroundings } from '../servers';
import type { Sample } from './trend';

/** What is read again and again, each by its name. */
export interface Readings {
  memoryMiB: Record<string, Sample[]>;
  descriptors: Record<string, Sample[]>;
  /** With their indexes. */
  tablesMiB: Record<string, Sample[]>;
}

/** Nothing read so far. */
export function noReadings(): Readings {
  return { memoryMiB: {}, descriptors: {}, tablesMiB: {} };
}

/** Reads all once, and adds it to what was read before. */
export async function addReadings(
  readings: Readings,
  given: { pids: Readonly<Record<string, number>>; surroundings: Surroundings; atMs: number },
): Promise<void> {
  const { pids, surroundings, atMs } = given;
  const add = (samples: Record<string, Sample[]>, name: string, value: number) =>
    (samples[name] ??= []).push({ atMs, value });
  for (const [name, pid] of Object.entries(pids)) {
    add(readings.memoryMiB, name, readMemoryMiB(pid));
    add(readings.descriptors, name, readdirSync(`/proc/${pid}/fd`).length);
  }
  for (const [name, mib] of await readTables(surroundings)) add(readings.tablesMiB, name, mib);
}

async function readTables(surroundings: Surroundings): Promise<[string, number][]> {
  const read = (url: string) =>
    query<{ name: string; mib: number }>(
      url,
      `SELECT relname AS name, pg_total_relation_size(relid)::float8 / 1048576 AS mib
       FROM pg_stat_user_tables ORDER BY relname`,
    );
  const orders = await read(surroundings.ordersDatabaseUrl);
  const dispatch = await read(surroundings.dispatchDatabaseUrl);
  return [
    ...orders.map(({ name, mib }): [string, number] => [`orders: ${name}`, mib]),
    ...dispatch.map(({ name, mib }): [string, number] => [`dispatch: ${name}`, mib]),
  ];
}
