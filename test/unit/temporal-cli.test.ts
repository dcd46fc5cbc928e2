import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../stack/servers/cache-folder';
import { goEnvironment } from '../../stack/servers/temporal-cli';

test('a build of the Temporal CLI leaves all that Go keeps in our cache folder', async () => {
  const environment = goEnvironment();
  const written = ['GOBIN', 'GOPATH', 'GOCACHE', 'GOMODCACHE'];
  for (const name of written) expect(environment[name]).toContain(join(cacheFolder(), ''));
  // Where there is Go, by its own word.
  const env = { ...process.env, ...environment };
  const said = await promisify(execFile)('go', ['env', ...written, 'GOTELEMETRYDIR'], {
    env,
  }).catch(() => undefined);
  for (const folder of said?.stdout.trim().split('\n') ?? []) {
    expect(folder).toMatch(new RegExp(`^(${cacheFolder()}.*)?$`));
  }
});
