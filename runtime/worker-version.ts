import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKER_DEPLOYMENT } from '../domain/temporal-names';
import { packageRoot } from './package-root';

/** Which version of which worker deployment a worker is. */
export interface WorkerVersion {
  /** @default 'order-dispatch' */
  deployment?: string;
  /** @default the package's version and, where the build knew it, the commit */
  buildId?: string;
}

/** A worker's version, with the defaults for what was not given. */
export function resolveWorkerVersion(given: WorkerVersion): Required<WorkerVersion> {
  const { deployment = WORKER_DEPLOYMENT, buildId = buildIdOfPackage() } = given;
  return { deployment, buildId };
}

/** `0.1.0+3157e3e4d0c1`, with `-dirty` where files differed from the commit. */
function buildIdOfPackage(): string {
  const root = packageRoot();
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  // The build leaves it there: what is installed as a package has no Git to ask.
  const commit = join(root, 'dist', 'commit');
  return existsSync(commit) ? `${version}+${readFileSync(commit, 'utf8').trim()}` : version;
}
