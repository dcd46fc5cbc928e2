/**
 * `npm test -- [Jest's arguments]`: runs Jest on a test stack, which is started for it and stopped
 * afterwards, unless `npm run test:stack` keeps one.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { applyMigrations } from '../database/migrate';
import { packageRoot } from '../runtime/package-root';
import { databaseUrl } from '../stack/servers/databases';
import { TEMPLATES } from '../stack/services';
import { runCommand } from '../stack/supervision/run-command';
import { openScope, type Scope } from '../stack/supervision/scope';
import { startTestStack } from '../stack/test-stack';
import { readTestStackFile, type TestStackFile } from '../stack/test-stack-file';

const say = (line: string) => console.error(`test stack: ${line}`);

runCommand('test stack', async (stop) => {
  const kept = readTestStackFile(packageRoot());
  const scope = kept
    ? await useKept(kept)
    : (await startTestStack({ progress: say, signal: stop })).scope;
  try {
    return await runJest(scope, stop);
  } finally {
    await scope.end();
  }
});

/** Its templates are as old as it is, and migrations may have been added since. */
async function useKept(stack: TestStackFile): Promise<Scope> {
  say(`the one that is kept running, with its Web UI at ${stack.webUi}`);
  for (const schema of ['orders', 'dispatch'] as const) {
    await applyMigrations({ url: databaseUrl(stack.postgresUrl, TEMPLATES[schema]), schema });
  }
  return openScope(join(packageRoot(), '.local'));
}

async function runJest(scope: Scope, stop: AbortSignal): Promise<number> {
  stop.throwIfAborted();
  const jest = execa(
    process.execPath,
    [require.resolve('jest/bin/jest'), ...process.argv.slice(2)],
    {
      cwd: packageRoot(),
      stdio: 'inherit',
      reject: false,
      cancelSignal: stop,
      forceKillAfterDelay: JEST_GRACE_MS,
    },
  );
  if (jest.pid !== undefined) {
    // It stays in our process group, since it needs the terminal.
    scope.own({
      pid: jest.pid,
      name: 'jest',
      signal: 'SIGTERM',
      graceMs: JEST_GRACE_MS,
      leadsGroup: false,
    });
  }
  const { exitCode } = await jest;
  stop.throwIfAborted();
  return exitCode ?? 1;
}

/** How long Jest may take to end once it was told to, in ms. */
const JEST_GRACE_MS = 5_000;
