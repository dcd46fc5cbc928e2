import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const CLONE = realpathSync(join(__dirname, '..', '..'));

describe('the build', () => {
  /** A copy of the clone and all that was built in it, so that the tests beside this one go on. */
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'build-test-'));
    cpSync(CLONE, copy, {
      recursive: true,
      filter: (path) => {
        const [top, below] = relative(CLONE, path).split('/');
        if (top === '.local') return below === undefined || below === 'setup';
        return top !== 'node_modules' && top !== '.git';
      },
    });
    symlinkSync(join(CLONE, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  /** What it says that it does. */
  const build = (): string => {
    const script = join(copy, 'scripts', 'setup.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--build'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return stderr;
  };

  test('does nothing where all files have the content that they had, and nothing is missing', () => {
    expect(build()).toBe('');
  });

  test('bundles the workflows again if their bundle was deleted', () => {
    const bundle = join(copy, 'dist', 'workflows.bundle.js');
    rmSync(bundle);
    expect(build()).toMatch(/^setup: bundle the workflows \.\.\.\n.*: done .*\n$/);
    expect(existsSync(bundle)).toBe(true);
  });
});
