import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { packageRoot } from '../runtime/package-root';

/** The last release that has something, and its files below that, by their paths. */
export interface Release {
  tag: string;
  files: ReadonlyMap<string, string>;
}

/**
 * The newest tag before this commit, or on it, that has a file or folder.
 *
 * @param path in the clone.
 * @param clone whose tags these are. @default this one
 * @returns `undefined` where no release has it.
 */
export async function findLastRelease(
  path: string,
  clone = packageRoot(),
): Promise<Release | undefined> {
  const git = gitOf(clone);
  for (let from = 'HEAD'; ;) {
    const tag = await git('describe', '--tags', '--abbrev=0', from);
    if (tag === undefined) return undefined;
    const paths = await git('ls-tree', '-r', '--name-only', '--full-tree', tag, path);
    if (paths) return { tag, files: await readFiles(git, tag, paths.split('\n')) };
    from = `${tag}^`;
  }
}

type Git = (...args: string[]) => Promise<string | undefined>;

async function readFiles(git: Git, tag: string, paths: string[]): Promise<Map<string, string>> {
  const texts = await Promise.all(paths.map((path) => git('show', `${tag}:${path}`)));
  return new Map(paths.map((path, index) => [path, texts[index] ?? '']));
}

/** Large enough for any file of a release, in bytes. */
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

/** What git says of a clone, without its last line's end; `undefined` where it refuses. */
function gitOf(clone: string): Git {
  return async (...args) => {
    try {
      const options = { cwd: clone, maxBuffer: OUTPUT_MAX_BYTES };
      const { stdout } = await promisify(execFile)('git', args, options);
      return stdout.replace(/\n$/, '');
    } catch {
      return undefined;
    }
  };
}
