import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** How a machine does beside the one that the tests' usual durations are from; 2 is half as fast. */
export interface MachineFactor {
  /** By the clock: rises while others use the machine. Time limits are multiplied by it. */
  wall: number;
  /** By processor time: the machine alone. What a run costs is divided by it. */
  cpu: number;
}

/**
 * How long {@link fixedWork} takes on the reference machine, in ms: the median of several, quiet. The garbage is
 * collected beside it, which only the processor time has.
 */
const REFERENCE_MS = { wall: 100, cpu: 112 };

/** Measures the machine, in about two seconds. */
export function measureMachineFactor(): MachineFactor {
  const runs = Array.from({ length: 9 }, () => {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    fixedWork();
    const { user, system } = process.cpuUsage(cpu);
    return { wall: performance.now() - wall, cpu: (user + system) / 1_000 };
  });
  return {
    wall: median(runs.map(({ wall }) => wall)) / REFERENCE_MS.wall,
    cpu: median(runs.map(({ cpu }) => cpu)) / REFERENCE_MS.cpu,
  };
}

/** A bit of all that tests do: objects, text, hashes, native code. */
function fixedWork(): void {
  const rows = Array.from({ length: 40_000 }, (_, n) => ({
    orderId: `o-${n}`,
    rank: (n * 7_919) % 104_729,
    tags: [`t-${n % 7}`, `t-${n % 11}`],
  }));
  const text = JSON.stringify(rows.sort((one, other) => one.rank - other.rank));
  createHash('sha256').update(text).digest('hex');
  const parsed = JSON.parse(text) as typeof rows;
  gzipSync(parsed.map(({ orderId, tags }) => `${orderId} ${tags.join(' ')}`).join('\n'));
}

function median(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
