import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keepRelease, readLastRelease } from '../../scripts/last-release';
import { createFolder } from '../run-cli';

const AS_MIA = [
  'user.name=mia',
  'user.email=mia@example.com',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
].flatMap((setting) => ['-c', setting]);

describe('what a release published', () => {
  let folder: Awaited<ReturnType<typeof createFolder>>;
  const git = (...args: string[]) =>
    promisify(execFile)('git', [...AS_MIA, ...args], { cwd: folder.path });
  const commit = async (text: string, name = 'one.json') => {
    await mkdir(join(folder.path, 'contracts'), { recursive: true });
    await writeFile(join(folder.path, 'contracts', name), text);
    await git('add', '.');
    await git('commit', '-m', text);
  };
  beforeEach(async () => {
    folder = await createFolder();
    await git('init');
    await git('commit', '--allow-empty', '-m', 'nothing yet');
  });
  afterEach(() => folder.remove());

  test('is kept as its tag has it, in the place of the release before', async () => {
    await commit('first');
    await git('tag', 'v0.1.0');
    await keepRelease('v0.1.0', folder.path);
    await git('rm', '-q', 'contracts/one.json');
    await mkdir(join(folder.path, 'docs'));
    await writeFile(join(folder.path, 'docs', 'openapi.json'), 'an API');
    await commit('second', 'two.json');
    await git('tag', '-a', '-m', 'second', 'v0.2.0');
    await commit('third', 'two.json');
    expect(await readLastRelease(folder.path)).toMatchObject({
      version: '0.1.0',
      files: new Map([['one.json', 'first']]),
    });
    await keepRelease('v0.2.0', folder.path);
    const { stdout } = await git('rev-parse', 'v0.2.0^{commit}');
    expect(await readLastRelease(folder.path)).toEqual({
      version: '0.2.0',
      commit: stdout.trim(),
      files: new Map([
        ['two.json', 'second'],
        ['openapi.json', 'an API'],
      ]),
    });
  });

  test('is left as it is where there is no such tag, or where it published nothing', async () => {
    await git('tag', 'v0.0.1');
    await commit('first');
    await git('tag', 'v0.1.0');
    await keepRelease('v0.1.0', folder.path);
    await expect(keepRelease('v9.9.9', folder.path)).rejects.toThrow(/v9\.9\.9/);
    await expect(keepRelease('v0.0.1', folder.path)).rejects.toThrow(/neither contracts nor/);
    expect(await readLastRelease(folder.path)).toMatchObject({ version: '0.1.0' });
  });
});
