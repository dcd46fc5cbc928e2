import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../runtime/package-root';

/** As many as Jest's processes have twice, so that none of them is left with all the rest. */
const GROUPS = 8;

/**
 * Writes Jest files that have several test files each, since Jest loads all modules anew for every file, which
 * costs more processor time than the tests of most. They are dealt in turn, those that take longest first.
 *
 * @param files absolute paths of test files.
 * @returns the folder of the Jest files.
 */
export function writeTestGroups(files: readonly string[]): string {
  const sorted = longestFirst(files);
  const folder = join(packageRoot(), '.local', 'test-groups');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (let group = 0; group < GROUPS; group += 1) {
    const suites = sorted.filter((_, place) => place % GROUPS === group).map(suiteOf);
    if (suites.length > 0) writeFileSync(join(folder, `${group + 1}.test.ts`), suites.join(''));
  }
  return folder;
}

/** Its hooks are those of its own tests. */
function suiteOf(file: string): string {
  const name = basename(file, '.test.ts');
  return `describe(${JSON.stringify(name)}, () => {\n  require(${JSON.stringify(file)});\n});\n`;
}

function longestFirst(files: readonly string[]): string[] {
  const list = readFileSync(join(packageRoot(), 'test', 'longest.json'), 'utf8');
  const longest = JSON.parse(list) as string[];
  const rankOf = (file: string) => {
    const rank = longest.indexOf(basename(file, '.test.ts'));
    return rank === -1 ? longest.length : rank;
  };
  return files.toSorted((one, other) => rankOf(one) - rankOf(other));
}
