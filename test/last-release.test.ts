import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findLastRelease } from '../scripts/last-release';
import { createFolder } from './run-cli';

const AS_MIA = [
  'user.name=mia',
  'user.email=mia@example.com',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
].flatMap((setting) => ['-c', setting]);

describe('the last release that has a folder', () => {
  let folder: Awaited<ReturnType<typeof createFolder>>;
  const git = (...args: string[]) =>
    promisify(execFile)('git', [...AS_MIA, ...args], { cwd: folder.path });
  const commit = async (text: string) => {
    await mkdir(join(folder.path, 'contracts'), { recursive: true });
    await writeFile(join(folder.path, 'contracts', 'one.json'), text);
    await git('add', '.');
    await git('commit', '-m', text);
  };
  beforeEach(async () => {
    folder = await createFolder();
    await git('init');
    await git('commit', '--allow-empty', '-m', 'nothing yet');
  });
  afterEach(() => folder.remove());

  test('is none where no tag has it', async () => {
    expect(await findLastRelease('contracts', folder.path)).toBeUndefined();
    await git('tag', 'v0.1.0');
    await commit('first');
    expect(await findLastRelease('contracts', folder.path)).toBeUndefined();
  });

  test('is the newest, with its files as they were', async () => {
    await commit('first');
    await git('tag', 'v0.1.0');
    await commit('second');
    await git('tag', '-a', '-m', 'second', 'v0.2.0');
    await commit('third');
    expect(await findLastRelease('contracts', folder.path)).toEqual({
      tag: 'v0.2.0',
      files: new Map([['contracts/one.json', 'second']]),
    });
  });

  test('is an older one where the newest has it not', async () => {
    await commit('first');
    await git('tag', 'v0.1.0');
    await git('rm', '-r', 'contracts');
    await git('commit', '-m', 'gone');
    await git('tag', 'v0.2.0');
    expect((await findLastRelease('contracts', folder.path))?.tag).toBe('v0.1.0');
  });
});
