import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../runtime/package-root';

/** What the last release published, kept in the clone: a clone need not have its tag. */
const FOLDER = join('contracts', 'released');

/** Which release it was. */
const ABOUT = 'release.json';

/** What a release publishes for others to build on, in its clone. */
const PUBLISHED = ['contracts', 'docs/openapi.json'];

/** A release, and what it published. */
export interface Release {
  version: string;
  commit: string;
  /** Texts by the names of the files. */
  files: ReadonlyMap<string, string>;
}

/**
 * Reads what the last release published.
 *
 * @param clone where. @default this one
 */
export async function readLastRelease(clone = packageRoot()): Promise<Release> {
  const folder = join(clone, FOLDER);
  const names = (await readdir(folder)).filter((name) => name !== ABOUT);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const about = JSON.parse(await read(ABOUT)) as Pick<Release, 'version' | 'commit'>;
  const files = await Promise.all(names.map(async (name) => [name, await read(name)] as const));
  return { ...about, files: new Map(files) };
}

/**
 * Keeps what a release published, from its tag, in the place of what the release before did.
 *
 * @param tag such as `v1.2.0`.
 * @param clone that has the tag. @default this one
 * @throws where it has not, or where the tagged commit published nothing.
 */
export async function keepRelease(tag: string, clone = packageRoot()): Promise<void> {
  const git = async (...args: string[]) => {
    const options = { cwd: clone, maxBuffer: OUTPUT_MAX_BYTES };
    return (await promisify(execFile)('git', args, options)).stdout;
  };
  const commit = (await git('rev-parse', '--verify', `${tag}^{commit}`)).trim();
  const listed = await git('ls-tree', '-r', '--name-only', '--full-tree', commit, ...PUBLISHED);
  const paths = listed.split('\n').filter((path) => path !== '' && !path.startsWith(FOLDER));
  if (paths.length === 0) throw new Error(`${tag} has neither contracts nor an API's description`);
  const folder = join(clone, FOLDER);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const path of paths) {
    await writeFile(join(folder, basename(path)), await git('show', `${commit}:${path}`));
  }
  const about = { version: tag.replace(/^v/, ''), commit };
  await writeFile(join(folder, ABOUT), `${JSON.stringify(about, undefined, 2)}\n`);
}

/** Large enough for any file of a release, in bytes. */
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
