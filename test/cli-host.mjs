/**
 * Runs the built command line of a package again and again in one process, for `run-cli.ts`: loading it is
 * most of what a command costs. Each run has its own arguments, environment and folder, and its output is its own,
 * whatever an earlier one still says.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , folder] = process.argv;
const { runCommandLine } = createRequire(import.meta.url)(join(folder, 'dist', 'cli', 'run.js'));
const runs = new AsyncLocalStorage();

for (const name of ['stdout', 'stderr']) {
  process[name].write = (text, ...rest) => {
    const run = runs.getStore();
    if (run) run[name] += String(text);
    const written = rest.at(-1);
    if (typeof written === 'function') written();
    return true;
  };
}

/** The one that is waited for. */
let current;

for (const failure of ['uncaughtException', 'unhandledRejection']) {
  process.on(failure, (error) => {
    const run = runs.getStore() ?? current;
    // Nothing of a run may fail after its end, though a command line's own process is gone by then.
    if (run === undefined || run !== current) throw error;
    end({ exitCode: 1, stdout: run.stdout, stderr: String(error?.stack) });
  });
}

function end(result) {
  current = undefined;
  process.send(result);
}

process.on('message', ({ args, environment, directory }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(directory);
  process.exitCode = undefined;
  const run = { stdout: '', stderr: '' };
  current = run;
  runs.run(run, async () => {
    await runCommandLine(args);
    if (run === current) end({ exitCode: process.exitCode ?? 0, ...run });
  });
});
