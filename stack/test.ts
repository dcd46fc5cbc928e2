/**
 * `npm test -- [Jest's arguments]`: runs Jest on a test stack, which is started for it and stopped
 * afterwards, unless `npm run test:stack` keeps one.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { applyMigrations } from '../database/migrate';
import { packageRoot } from '../runtime/package-root';
import { databaseUrl } from './databases';
import { type Run, startRun } from './stack-run';
import { TEMPLATES } from './services';
import { StackError } from './stack-error';
import { onStopSignal, type StopSignal } from './stop-signals';
import { startTestStack } from './test-stack';
import { readTestStackFile, type TestStackFile } from './test-stack-file';

async function main(): Promise<number> {
  const stopped = new AbortController();
  onStopSignal((signal) => stopped.abort(signal));
  const kept = readTestStackFile(packageRoot());
  const run = kept ? await useKept(kept) : (await startOwn(stopped.signal)).run;
  try {
    return stopped.signal.aborted ? 1 : await runJest(run, stopped.signal);
  } finally {
    await run.end();
  }
}

function startOwn(signal: AbortSignal): ReturnType<typeof startTestStack> {
  return startTestStack({ progress: (line) => console.error(`test stack: ${line}`), signal });
}

/** Its templates are as old as it is, and migrations may have been added since. */
async function useKept(stack: TestStackFile): Promise<Run> {
  console.error(`test stack: the one of process ${stack.owner.pid}`);
  for (const schema of ['orders', 'dispatch'] as const) {
    await applyMigrations({ url: databaseUrl(stack.postgresUrl, TEMPLATES[schema]), schema });
  }
  return startRun(join(packageRoot(), '.local'));
}

async function runJest(run: Run, signal: AbortSignal): Promise<number> {
  const jest = execa(
    process.execPath,
    [require.resolve('jest/bin/jest'), ...process.argv.slice(2)],
    {
      cwd: packageRoot(),
      stdio: 'inherit',
      reject: false,
    },
  );
  if (jest.pid !== undefined) {
    // It stays in our process group, since it needs the terminal.
    run.own({ pid: jest.pid, name: 'jest', signal: 'SIGTERM', graceMs: 5000, leadsGroup: false });
  }
  signal.addEventListener('abort', () => jest.kill(signal.reason as StopSignal));
  return (await jest).exitCode ?? 1;
}

void main()
  .catch((error: unknown) => {
    console.error(error instanceof StackError ? `test stack: ${error.message}` : error);
    return 1;
  })
  // At once: a start that was given up may have left a connection that is still waiting.
  .then((code) => process.exit(code));
